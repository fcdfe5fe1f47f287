/** How much uploads may take, before they are blobs. */
export interface UploadLimits {
  /** The largest blob, in bytes. */
  readonly blobSize: number;
  /** What all uploads that are open may take together, in bytes. */
  readonly uploadSpace: number;
  /** How many uploads one client may have open. */
  readonly uploadsPerClient: number;
  /** After how long without a byte an upload is given up, in ms. */
  readonly uploadExpiry: number;
}

export const UPLOAD_LIMITS: UploadLimits = {
  blobSize: 64 * 1024 ** 3,
  uploadSpace: 256 * 1024 ** 3,
  uploadsPerClient: 1000,
  uploadExpiry: 24 * 60 * 60 * 1000,
};
