/** Bytes by their digest. */
interface Part {
  readonly digest: string;
  readonly size: number;
  readonly mediaType?: string;
}

const OCI = "application/vnd.oci.image.";

/** The media types of image manifests and of layers. */
export const MANIFEST = `${OCI}manifest.v1+json`;
export const TAR = `${OCI}layer.v1.tar`;
export const TAR_GZIP = `${TAR}+gzip`;

/** How a manifest or an index names a part. */
export const descriptorOf = (mediaType: string, { digest, size }: Part) => ({ mediaType, digest, size });

/** An image manifest. A layer is a tar that is compressed with gzip, unless it says otherwise. */
export function manifestOf(config: Part, layers: readonly Part[]): Buffer {
  return Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: descriptorOf(`${OCI}config.v1+json`, config),
      layers: layers.map((layer) => descriptorOf(layer.mediaType ?? TAR_GZIP, layer)),
    }),
  );
}
