// Written by `npm run generate` from ociregistry.yaml. Do not edit: change that file and run it again.

export interface paths {
    readonly "/v2": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * The base path without its slash
         * @description People type `curl localhost:8080/v2`; programs send the slash. This sends the former to the latter. A browser
         *     goes there by itself, so *Execute* shows the answer of `/v2/`.
         */
        readonly get: operations["redirectToBase"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v2/": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Is this a registry?
         * @description The first request of docker, podman, skopeo and crane, before anything else; load balancers use it as a check.
         *     200 means that the API is spoken here and that this client may use it.
         *
         *     Section *Determining Support* (end-1).
         */
        readonly get: operations["getBase"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v2/_catalog": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Which repositories are there?
         * @description All repositories, in byte order. Sent by `crane catalog`, `skopeo sync` and browsers of registries; no client
         *     needs it to pull. It comes from Docker's API and is not part of the OCI specification, which reserves the name.
         *
         *     With `n` the list comes in pages: follow `Link` until there is none.
         */
        readonly get: operations["listRepositories"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v2/{name}/tags/list": {
        readonly parameters: {
            readonly query?: {
                /**
                 * @description The registry that the client believes to talk to, when this server is its mirror (containerd sends it with every
                 *     request). One server holds one set of images, so it changes nothing here.
                 */
                readonly ns?: components["parameters"]["Namespace"];
            };
            readonly header?: never;
            readonly path: {
                /**
                 * @description The repository. May have slashes.
                 * @example hello
                 */
                readonly name: components["parameters"]["Name"];
            };
            readonly cookie?: never;
        };
        /**
         * Which tags does a repository have?
         * @description All tags, in byte order. Sent by `crane ls`, `skopeo list-tags`, `oras repo tags` and update bots.
         *
         *     With `n` the list comes in pages: follow `Link` until there is none. `last` need not exist any more, so paging
         *     goes on while tags are deleted.
         *
         *     Section *Listing Tags* (end-8a, end-8b).
         */
        readonly get: operations["listTags"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v2/{name}/manifests/{reference}": {
        readonly parameters: {
            readonly query?: {
                /**
                 * @description The registry that the client believes to talk to, when this server is its mirror (containerd sends it with every
                 *     request). One server holds one set of images, so it changes nothing here.
                 */
                readonly ns?: components["parameters"]["Namespace"];
            };
            readonly header?: never;
            readonly path: {
                /**
                 * @description The repository. May have slashes.
                 * @example hello
                 */
                readonly name: components["parameters"]["Name"];
                /** @description A tag (up to 128 letters, digits, `_`, `.` and `-`) or a digest. What contains a colon is a digest. */
                readonly reference: components["parameters"]["Reference"];
            };
            readonly cookie?: never;
        };
        /**
         * Fetch a manifest
         * @description The stored bytes, with the media type that they were stored with. Clients say in `Accept` which types they know;
         *     this server sends what there is all the same, because another form would have another digest.
         *
         *     Sent by every client: crane and skopeo ask by tag at once, docker and containerd ask HEAD by tag first and then
         *     GET by digest.
         *
         *     Section *Pulling manifests* (end-3).
         */
        readonly get: operations["getManifest"];
        /**
         * Push a manifest
         * @description The last request of a push: from then on the image can be pulled. The bytes are kept exactly as they are, and
         *     their digest is the manifest's name.
         *
         *     Sent by docker, podman, skopeo, crane, oras, helm and cosign with a tag, or with a digest for what has no tag
         *     (children of an index, referrers).
         *
         *     Section *Pushing Manifests* (end-7a, end-7b).
         */
        readonly put: operations["putManifest"];
        readonly post?: never;
        /**
         * Delete a tag, or a manifest with all its tags
         * @description By tag: the tag goes, the manifest stays. By digest: the manifest goes, and every tag that points at it.
         *
         *     Sent by `crane delete`, `skopeo delete`, `oras manifest delete` and `regctl tag rm`.
         *
         *     Section *Deleting tags*, *Deleting manifests* (end-9).
         */
        readonly delete: operations["deleteManifest"];
        readonly options?: never;
        /**
         * What does a tag mean now?
         * @description The headers of the GET without the body: type, length and digest. docker and containerd resolve a tag with this
         *     before each pull, and update bots ask nothing else.
         *
         *     Section *Checking if content exists in the registry* (end-3).
         */
        readonly head: operations["headManifest"];
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v2/{name}/blobs/{digest}": {
        readonly parameters: {
            readonly query?: {
                /**
                 * @description The registry that the client believes to talk to, when this server is its mirror (containerd sends it with every
                 *     request). One server holds one set of images, so it changes nothing here.
                 */
                readonly ns?: components["parameters"]["Namespace"];
            };
            readonly header?: never;
            readonly path: {
                /**
                 * @description The repository. May have slashes.
                 * @example hello
                 */
                readonly name: components["parameters"]["Name"];
                /** @description The digest of the content. */
                readonly digest: components["parameters"]["Digest"];
            };
            readonly cookie?: never;
        };
        /**
         * Fetch a blob, or a part of it
         * @description The bytes of a config or a layer. Sent by every client for each blob that it does not have yet. A broken download
         *     goes on with `Range`; containerd 2 fetches large layers in several ranges at once.
         *
         *     The bytes are checked against the digest when they are first served. If they do not match, the answer is 404; a
         *     large blob that was never checked is broken off before its end. Wrong bytes never arrive as a whole.
         *
         *     From a shell: `curl -O http://localhost:8080/v2/hello/blobs/<digest>`.
         *
         *     Section *Pulling blobs* (end-2).
         */
        readonly get: operations["getBlob"];
        readonly put?: never;
        readonly post?: never;
        /**
         * Delete a blob from a repository
         * @description The blob goes from this repository; a copy that another repository holds stays there. Few clients send it,
         *     because collecting garbage does the same.
         *
         *     Section *Deleting Blobs* (end-10).
         */
        readonly delete: operations["deleteBlob"];
        readonly options?: never;
        /**
         * Is this blob here, and how large is it?
         * @description The headers of the GET without the body. A client that pushes asks this for each blob, and uploads only what is
         *     missing; docker asks it again after the upload.
         *
         *     Section *Checking if content exists in the registry* (end-2).
         */
        readonly head: operations["headBlob"];
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v2/{name}/blobs/uploads/": {
        readonly parameters: {
            readonly query?: {
                /**
                 * @description The registry that the client believes to talk to, when this server is its mirror (containerd sends it with every
                 *     request). One server holds one set of images, so it changes nothing here.
                 */
                readonly ns?: components["parameters"]["Namespace"];
            };
            readonly header?: never;
            readonly path: {
                /**
                 * @description The repository. May have slashes.
                 * @example hello
                 */
                readonly name: components["parameters"]["Name"];
            };
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Start an upload, upload at once, or mount
         * @description One request with three uses, told apart by the query:
         *
         *     - nothing: open a session, and send the bytes to its `Location` (docker, podman, skopeo, crane, oras);
         *     - `digest`: the body is the whole blob, and no session is needed;
         *     - `mount` and `from`: take the blob over from another repository without sending it (docker, podman, crane).
         *       When that is not possible a session is opened instead, and the client uploads.
         *
         *     Section *Pushing blobs*, *Mounting a blob from another repository* (end-4a, end-4b, end-4c, end-11).
         */
        readonly post: operations["startUpload"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v2/{name}/blobs/uploads/{session}": {
        readonly parameters: {
            readonly query?: {
                /**
                 * @description The registry that the client believes to talk to, when this server is its mirror (containerd sends it with every
                 *     request). One server holds one set of images, so it changes nothing here.
                 */
                readonly ns?: components["parameters"]["Namespace"];
            };
            readonly header?: never;
            readonly path: {
                /**
                 * @description The repository. May have slashes.
                 * @example hello
                 */
                readonly name: components["parameters"]["Name"];
                /** @description The upload session. Clients use the `Location` that they were given and do not build it. */
                readonly session: components["parameters"]["Session"];
            };
            readonly cookie?: never;
        };
        /**
         * How far is an upload?
         * @description Which bytes have arrived. A client asks this to go on after a lost connection.
         *
         *     Section *Pushing a blob in chunks* (end-13).
         */
        readonly get: operations["statUpload"];
        /**
         * Finish an upload
         * @description Closes the session with the digest of the whole blob; the body may hold the last piece, or all of it (containerd,
         *     oras). The blob exists once this is answered with 201.
         *
         *     Section *Pushing a blob in chunks*, *POST then PUT* (end-6).
         */
        readonly put: operations["commitUpload"];
        readonly post?: never;
        /**
         * Give up an upload
         * @description The session and its bytes go. podman and skopeo send this when a mount opened a session that they do not need.
         *
         *     Section *Cancel a blob upload* (end-14).
         */
        readonly delete: operations["cancelUpload"];
        readonly options?: never;
        readonly head?: never;
        /**
         * Send bytes to an upload
         * @description The next piece of the blob. With `Content-Range` it must begin where the last one ended; without, it is appended
         *     (docker, podman and skopeo stream a whole layer this way).
         *
         *     Section *Pushing a blob in chunks* (end-5).
         */
        readonly patch: operations["appendUpload"];
        readonly trace?: never;
    };
    readonly "/v2/{name}/referrers/{digest}": {
        readonly parameters: {
            readonly query?: {
                /**
                 * @description The registry that the client believes to talk to, when this server is its mirror (containerd sends it with every
                 *     request). One server holds one set of images, so it changes nothing here.
                 */
                readonly ns?: components["parameters"]["Namespace"];
            };
            readonly header?: never;
            readonly path: {
                /**
                 * @description The repository. May have slashes.
                 * @example hello
                 */
                readonly name: components["parameters"]["Name"];
                /** @description The digest of the content. */
                readonly digest: components["parameters"]["Digest"];
            };
            readonly cookie?: never;
        };
        /**
         * What points at a manifest?
         * @description An index of the manifests whose `subject` is this digest: signatures, SBOMs, attestations. Sent by cosign,
         *     `oras discover` and `regctl artifact list`. An unknown digest or repository has no referrers: 200 and an empty
         *     list, because a 404 would mean that the registry does not know this request.
         *
         *     What does not fit in one answer (4 MiB, or `n` entries) comes in pages: follow `Link` until there is none.
         *
         *     Section *Listing Referrers* (end-12a, end-12b).
         */
        readonly get: operations["listReferrers"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        readonly RepositoryName: string;
        readonly Tag: string;
        /** @description An algorithm and a hash. `sha256` has 64 and `sha512` 128 lower-case hex digits; others may come one day. */
        readonly Digest: string;
        readonly RepositoryList: {
            readonly repositories: readonly components["schemas"]["RepositoryName"][];
        };
        readonly TagList: {
            readonly name: components["schemas"]["RepositoryName"];
            readonly tags: readonly components["schemas"]["Tag"][];
        };
        /** @description Names content by media type, digest and size (image-spec, "Content Descriptors"). */
        readonly Descriptor: {
            readonly mediaType: string;
            readonly digest: components["schemas"]["Digest"];
            readonly size: number;
            /** @description Where else the content can be had (foreign layers). */
            readonly urls?: readonly string[];
            readonly annotations?: {
                readonly [key: string]: string;
            };
            readonly artifactType?: string;
            readonly platform?: {
                readonly architecture: string;
                readonly os: string;
                readonly variant?: string;
                readonly "os.version"?: string;
                readonly "os.features"?: readonly string[];
            };
        };
        /** @description An image of one platform, or an artifact (image-spec, "Image Manifest"). */
        readonly Manifest: {
            /** @enum {integer} */
            readonly schemaVersion: 2;
            readonly mediaType?: string;
            readonly artifactType?: string;
            readonly config: components["schemas"]["Descriptor"];
            readonly layers: readonly components["schemas"]["Descriptor"][];
            readonly subject?: components["schemas"]["Descriptor"];
            readonly annotations?: {
                readonly [key: string]: string;
            };
        };
        /** @description Several manifests, one for each platform (image-spec, "Image Index"). */
        readonly Index: {
            /** @enum {integer} */
            readonly schemaVersion: 2;
            readonly mediaType?: string;
            readonly artifactType?: string;
            readonly manifests: readonly components["schemas"]["Descriptor"][];
            readonly subject?: components["schemas"]["Descriptor"];
            readonly annotations?: {
                readonly [key: string]: string;
            };
        };
        /** @description Every refusal has this form (section "Error Codes"). */
        readonly Errors: {
            readonly errors: readonly {
                readonly code: components["schemas"]["ErrorCode"];
                /** @description For people. */
                readonly message: string;
                /** @description What it was about. */
                readonly detail?: string;
            }[];
        };
        /**
         * @description The codes of the specification, those that Docker's registry added (`UNKNOWN`, `UNAVAILABLE`, `RANGE_INVALID`,
         *     `TAG_INVALID`, `PAGINATION_NUMBER_INVALID`), and `INSUFFICIENT_STORAGE`, for which neither has one.
         * @enum {string}
         */
        readonly ErrorCode: "BLOB_UNKNOWN" | "BLOB_UPLOAD_INVALID" | "BLOB_UPLOAD_UNKNOWN" | "DIGEST_INVALID" | "MANIFEST_BLOB_UNKNOWN" | "MANIFEST_INVALID" | "MANIFEST_UNKNOWN" | "NAME_INVALID" | "NAME_UNKNOWN" | "SIZE_INVALID" | "UNAUTHORIZED" | "DENIED" | "UNSUPPORTED" | "TOOMANYREQUESTS" | "UNKNOWN" | "INSUFFICIENT_STORAGE" | "UNAVAILABLE" | "RANGE_INVALID" | "TAG_INVALID" | "PAGINATION_NUMBER_INVALID";
    };
    responses: {
        /** @description The client has it already. */
        readonly NotModified: {
            headers: {
                readonly "Docker-Distribution-Api-Version": components["headers"]["ApiVersion"];
                readonly "X-Content-Type-Options": components["headers"]["NoSniff"];
                readonly "Docker-Content-Digest": components["headers"]["ContentDigest"];
                readonly ETag: components["headers"]["ETag"];
                readonly "Cache-Control": components["headers"]["CacheControl"];
                readonly [name: string]: unknown;
            };
            content?: never;
        };
        /** @description Gone. */
        readonly Deleted: {
            headers: {
                readonly "Docker-Distribution-Api-Version": components["headers"]["ApiVersion"];
                readonly "X-Content-Type-Options": components["headers"]["NoSniff"];
                readonly [name: string]: unknown;
            };
            content?: never;
        };
        /** @description The blob is stored in the repository. */
        readonly BlobCreated: {
            headers: {
                readonly "Docker-Distribution-Api-Version": components["headers"]["ApiVersion"];
                readonly "X-Content-Type-Options": components["headers"]["NoSniff"];
                readonly Location: components["headers"]["ContentLocation"];
                readonly "Docker-Content-Digest": components["headers"]["ContentDigest"];
                readonly [name: string]: unknown;
            };
            content?: never;
        };
        /** @description The session is open; go on at `Location`. */
        readonly UploadAccepted: {
            headers: {
                readonly "Docker-Distribution-Api-Version": components["headers"]["ApiVersion"];
                readonly "X-Content-Type-Options": components["headers"]["NoSniff"];
                readonly Location: components["headers"]["UploadLocation"];
                readonly Range: components["headers"]["UploadRange"];
                readonly "Docker-Upload-UUID": components["headers"]["UploadId"];
                readonly [name: string]: unknown;
            };
            content?: never;
        };
        /** @description Something in the request is not valid; the code says what. */
        readonly BadRequest: {
            headers: {
                readonly "Docker-Distribution-Api-Version": components["headers"]["ApiVersion"];
                readonly "X-Content-Type-Options": components["headers"]["NoSniff"];
                readonly [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "errors": [
                 *         {
                 *           "code": "NAME_INVALID",
                 *           "message": "The repository name is not valid",
                 *           "detail": "the parameter name is malformed"
                 *         }
                 *       ]
                 *     }
                 */
                readonly "application/json": components["schemas"]["Errors"];
            };
        };
        /** @description There is no such repository, manifest, blob or upload. */
        readonly NotFound: {
            headers: {
                readonly "Docker-Distribution-Api-Version": components["headers"]["ApiVersion"];
                readonly "X-Content-Type-Options": components["headers"]["NoSniff"];
                readonly [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "errors": [
                 *         {
                 *           "code": "NAME_UNKNOWN",
                 *           "message": "There is no such repository",
                 *           "detail": "team/app/web"
                 *         }
                 *       ]
                 *     }
                 */
                readonly "application/json": components["schemas"]["Errors"];
            };
        };
        /** @description This path does not know the method, or the registry is read-only. */
        readonly MethodNotAllowed: {
            headers: {
                readonly "Docker-Distribution-Api-Version": components["headers"]["ApiVersion"];
                readonly "X-Content-Type-Options": components["headers"]["NoSniff"];
                readonly Allow: components["headers"]["Allow"];
                readonly [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "errors": [
                 *         {
                 *           "code": "UNSUPPORTED",
                 *           "message": "This registry does not support the operation",
                 *           "detail": "this path takes GET, HEAD"
                 *         }
                 *       ]
                 *     }
                 */
                readonly "application/json": components["schemas"]["Errors"];
            };
        };
        /** @description The manifest is larger than 4 MiB, or the blob larger than this server takes. */
        readonly TooLarge: {
            headers: {
                readonly "Docker-Distribution-Api-Version": components["headers"]["ApiVersion"];
                readonly "X-Content-Type-Options": components["headers"]["NoSniff"];
                readonly [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "errors": [
                 *         {
                 *           "code": "SIZE_INVALID",
                 *           "message": "The content is too large",
                 *           "detail": "a manifest has at most 4194304 bytes"
                 *         }
                 *       ]
                 *     }
                 */
                readonly "application/json": components["schemas"]["Errors"];
            };
        };
        /** @description The range lies outside the blob, or the piece does not begin where the last one ended. */
        readonly RangeNotSatisfiable: {
            headers: {
                readonly "Docker-Distribution-Api-Version": components["headers"]["ApiVersion"];
                readonly "X-Content-Type-Options": components["headers"]["NoSniff"];
                /** @description The size of the blob, when one was asked for. */
                readonly "Content-Range"?: string;
                /** @description The upload session, when bytes were sent to one. */
                readonly Location?: string;
                /** @description The bytes that have arrived, when bytes were sent to an upload. */
                readonly Range?: string;
                readonly [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "errors": [
                 *         {
                 *           "code": "RANGE_INVALID",
                 *           "message": "The range does not fit the content",
                 *           "detail": "the content has 1679 bytes"
                 *         }
                 *       ]
                 *     }
                 */
                readonly "application/json": components["schemas"]["Errors"];
            };
        };
        /** @description The tag may not be moved or removed. */
        readonly Denied: {
            headers: {
                readonly "Docker-Distribution-Api-Version": components["headers"]["ApiVersion"];
                readonly "X-Content-Type-Options": components["headers"]["NoSniff"];
                readonly [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "errors": [
                 *         {
                 *           "code": "DENIED",
                 *           "message": "You may not do this",
                 *           "detail": "the tag 1.0 is immutable here; push under another tag"
                 *         }
                 *       ]
                 *     }
                 */
                readonly "application/json": components["schemas"]["Errors"];
            };
        };
        /** @description The client has too many uploads open. */
        readonly TooManyRequests: {
            headers: {
                readonly "Docker-Distribution-Api-Version": components["headers"]["ApiVersion"];
                readonly "X-Content-Type-Options": components["headers"]["NoSniff"];
                /** @description Seconds to wait. */
                readonly "Retry-After": string;
                readonly [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "errors": [
                 *         {
                 *           "code": "TOOMANYREQUESTS",
                 *           "message": "Too many requests; try again later",
                 *           "detail": "1000 uploads are open; finish or cancel some"
                 *         }
                 *       ]
                 *     }
                 */
                readonly "application/json": components["schemas"]["Errors"];
            };
        };
        /** @description The disk is full, or what uploads may take is taken. Nothing of the request was kept. */
        readonly InsufficientStorage: {
            headers: {
                readonly "Docker-Distribution-Api-Version": components["headers"]["ApiVersion"];
                readonly "X-Content-Type-Options": components["headers"]["NoSniff"];
                readonly [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "errors": [
                 *         {
                 *           "code": "INSUFFICIENT_STORAGE",
                 *           "message": "The server has no room left for this content"
                 *         }
                 *       ]
                 *     }
                 */
                readonly "application/json": components["schemas"]["Errors"];
            };
        };
        /** @description A fault of the server. Its log has the cause. */
        readonly InternalError: {
            headers: {
                readonly "Docker-Distribution-Api-Version": components["headers"]["ApiVersion"];
                readonly "X-Content-Type-Options": components["headers"]["NoSniff"];
                readonly [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "errors": [
                 *         {
                 *           "code": "UNKNOWN",
                 *           "message": "The server failed; its log has the cause"
                 *         }
                 *       ]
                 *     }
                 */
                readonly "application/json": components["schemas"]["Errors"];
            };
        };
        /** @description The server has no resources left for this request just now. */
        readonly Unavailable: {
            headers: {
                readonly "Docker-Distribution-Api-Version": components["headers"]["ApiVersion"];
                readonly "X-Content-Type-Options": components["headers"]["NoSniff"];
                /** @description Seconds to wait. */
                readonly "Retry-After": string;
                readonly [name: string]: unknown;
            };
            content: {
                /**
                 * @example {
                 *       "errors": [
                 *         {
                 *           "code": "UNAVAILABLE",
                 *           "message": "The server cannot give this now; try again shortly",
                 *           "detail": "too many files are open"
                 *         }
                 *       ]
                 *     }
                 */
                readonly "application/json": components["schemas"]["Errors"];
            };
        };
    };
    parameters: {
        /**
         * @description The repository. May have slashes.
         * @example hello
         */
        readonly Name: components["schemas"]["RepositoryName"];
        /** @description A tag (up to 128 letters, digits, `_`, `.` and `-`) or a digest. What contains a colon is a digest. */
        readonly Reference: string;
        /** @description The digest of the content. */
        readonly Digest: components["schemas"]["Digest"];
        /** @description The upload session. Clients use the `Location` that they were given and do not build it. */
        readonly Session: string;
        /**
         * @description The registry that the client believes to talk to, when this server is its mirror (containerd sends it with every
         *     request). One server holds one set of images, so it changes nothing here.
         */
        readonly Namespace: string;
        /** @description At most this many entries. 0 gives an empty list. */
        readonly PageSize: number;
        /** @description Begin after this tag, which need not exist. */
        readonly LastTag: string;
        /** @description Begin after this repository, which need not exist. */
        readonly LastRepository: string;
        /** @description Begin after the referrer of this digest, which need not exist. */
        readonly LastReferrer: components["schemas"]["Digest"];
        /** @description Tags to set, when the manifest is pushed by digest. May be repeated. */
        readonly Tags: readonly components["schemas"]["Tag"][];
        /**
         * @description One range of bytes: `bytes=0-99`, `bytes=100-` or `bytes=-100`. Several ranges or another unit are ignored, and
         *     the whole blob comes.
         */
        readonly Range: string;
        /** @description The `ETag` that `Range` is meant for. Another one, and the whole blob comes. */
        readonly IfRange: string;
        /**
         * @description The `ETag` that the client has (a list, a weak one, `*` or the bare digest will do): if it is still the same,
         *     the answer is 304 without a body.
         */
        readonly IfNoneMatch: string;
        /** @description First and last byte of this piece, such as `0-1023`. */
        readonly ContentRange: string;
    };
    requestBodies: never;
    headers: {
        /** @description The version of Docker's registry API, for old clients. */
        readonly ApiVersion: "registry/2.0";
        /** @description Content is what its type says, whatever it looks like to a browser. */
        readonly NoSniff: "nosniff";
        /**
         * @description The media type that the manifest was stored with, without parameters.
         * @example application/vnd.docker.distribution.manifest.v2+json
         */
        readonly ManifestType: string;
        /** @description Always the same; what a blob is stands in the manifest. */
        readonly BlobType: "application/octet-stream";
        /**
         * @description The number of bytes.
         * @example 747
         */
        readonly ContentLength: string;
        /**
         * @description The digest of the content.
         * @example sha256:c81d467cfdbd57dab14c8118dbf2a6a5e0281b7929a5f527d9bf3160ffb75065
         */
        readonly ContentDigest: components["schemas"]["Digest"];
        /**
         * @description The digest in quotes, for `If-None-Match` and `If-Range`.
         * @example "sha256:c81d467cfdbd57dab14c8118dbf2a6a5e0281b7929a5f527d9bf3160ffb75065"
         */
        readonly ETag: string;
        /** @description What is named by its digest never changes and may be kept for a year; a tag must be asked for again. */
        readonly CacheControl: "public, max-age=31536000, immutable" | "no-cache";
        /** @description Parts can be asked for. */
        readonly AcceptRanges: "bytes";
        /**
         * @description The methods that work on this path.
         * @example GET, HEAD
         */
        readonly Allow: string;
        /** @description Where the content can be pulled from. */
        readonly ContentLocation: string;
        /** @description Where the next request of this upload goes. */
        readonly UploadLocation: string;
        /** @description The bytes that have arrived, `0-<last>`; `0-0` also when there are none yet. */
        readonly UploadRange: string;
        /** @description The session, for old clients. */
        readonly UploadId: string;
    };
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    readonly redirectToBase: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The base check is at `/v2/`. */
            readonly 301: {
                headers: {
                    readonly "Docker-Distribution-Api-Version": components["headers"]["ApiVersion"];
                    readonly "X-Content-Type-Options": components["headers"]["NoSniff"];
                    /** @description Where to ask instead. */
                    readonly Location: "/v2/";
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
            readonly 405: components["responses"]["MethodNotAllowed"];
        };
    };
    readonly getBase: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Yes. The body says nothing and no client reads it. */
            readonly 200: {
                headers: {
                    readonly "Docker-Distribution-Api-Version": components["headers"]["ApiVersion"];
                    readonly "X-Content-Type-Options": components["headers"]["NoSniff"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /** @example {} */
                    readonly "application/json": Record<string, never>;
                };
            };
            readonly 405: components["responses"]["MethodNotAllowed"];
        };
    };
    readonly listRepositories: {
        readonly parameters: {
            readonly query?: {
                /** @description At most this many entries. 0 gives an empty list. */
                readonly n?: components["parameters"]["PageSize"];
                /** @description Begin after this repository, which need not exist. */
                readonly last?: components["parameters"]["LastRepository"];
                /**
                 * @description The registry that the client believes to talk to, when this server is its mirror (containerd sends it with every
                 *     request). One server holds one set of images, so it changes nothing here.
                 */
                readonly ns?: components["parameters"]["Namespace"];
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A page of repository names. */
            readonly 200: {
                headers: {
                    readonly "Docker-Distribution-Api-Version": components["headers"]["ApiVersion"];
                    readonly "X-Content-Type-Options": components["headers"]["NoSniff"];
                    /**
                     * @description The next page, if there is one.
                     * @example </v2/_catalog?n=1&last=hello>; rel="next"
                     */
                    readonly Link?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "repositories": [
                     *         "hello"
                     *       ]
                     *     }
                     */
                    readonly "application/json": components["schemas"]["RepositoryList"];
                };
            };
            readonly 400: components["responses"]["BadRequest"];
            readonly 405: components["responses"]["MethodNotAllowed"];
            readonly 500: components["responses"]["InternalError"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly listTags: {
        readonly parameters: {
            readonly query?: {
                /**
                 * @description The registry that the client believes to talk to, when this server is its mirror (containerd sends it with every
                 *     request). One server holds one set of images, so it changes nothing here.
                 */
                readonly ns?: components["parameters"]["Namespace"];
                /** @description At most this many entries. 0 gives an empty list. */
                readonly n?: components["parameters"]["PageSize"];
                /** @description Begin after this tag, which need not exist. */
                readonly last?: components["parameters"]["LastTag"];
            };
            readonly header?: never;
            readonly path: {
                /**
                 * @description The repository. May have slashes.
                 * @example hello
                 */
                readonly name: components["parameters"]["Name"];
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A page of tags. */
            readonly 200: {
                headers: {
                    readonly "Docker-Distribution-Api-Version": components["headers"]["ApiVersion"];
                    readonly "X-Content-Type-Options": components["headers"]["NoSniff"];
                    /**
                     * @description The next page, if there is one.
                     * @example </v2/hello/tags/list?n=1&last=latest>; rel="next"
                     */
                    readonly Link?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "name": "hello",
                     *       "tags": [
                     *         "latest"
                     *       ]
                     *     }
                     */
                    readonly "application/json": components["schemas"]["TagList"];
                };
            };
            readonly 400: components["responses"]["BadRequest"];
            readonly 404: components["responses"]["NotFound"];
            readonly 405: components["responses"]["MethodNotAllowed"];
            readonly 500: components["responses"]["InternalError"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly getManifest: {
        readonly parameters: {
            readonly query?: {
                /**
                 * @description The registry that the client believes to talk to, when this server is its mirror (containerd sends it with every
                 *     request). One server holds one set of images, so it changes nothing here.
                 */
                readonly ns?: components["parameters"]["Namespace"];
            };
            readonly header?: {
                /**
                 * @description The `ETag` that the client has (a list, a weak one, `*` or the bare digest will do): if it is still the same,
                 *     the answer is 304 without a body.
                 */
                readonly "If-None-Match"?: components["parameters"]["IfNoneMatch"];
            };
            readonly path: {
                /**
                 * @description The repository. May have slashes.
                 * @example hello
                 */
                readonly name: components["parameters"]["Name"];
                /** @description A tag (up to 128 letters, digits, `_`, `.` and `-`) or a digest. What contains a colon is a digest. */
                readonly reference: components["parameters"]["Reference"];
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The manifest or index. */
            readonly 200: {
                headers: {
                    readonly "Docker-Distribution-Api-Version": components["headers"]["ApiVersion"];
                    readonly "X-Content-Type-Options": components["headers"]["NoSniff"];
                    readonly "Content-Type": components["headers"]["ManifestType"];
                    readonly "Content-Length": components["headers"]["ContentLength"];
                    readonly "Docker-Content-Digest": components["headers"]["ContentDigest"];
                    readonly ETag: components["headers"]["ETag"];
                    readonly "Cache-Control": components["headers"]["CacheControl"];
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "schemaVersion": 2,
                     *       "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
                     *       "config": {
                     *         "mediaType": "application/vnd.docker.container.image.v1+json",
                     *         "size": 1679,
                     *         "digest": "sha256:9a1e4390aa94a2e92d90d96ba04bf0bb0e5592a70a010a0ce14f9cdbdb633751"
                     *       },
                     *       "layers": [
                     *         {
                     *           "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
                     *           "size": 5143,
                     *           "digest": "sha256:0b4956bcf02b67dc1612b0cdb3bee308186186bd31413d6aaa9e447355543822"
                     *         },
                     *         {
                     *           "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
                     *           "size": 2071,
                     *           "digest": "sha256:0455c63ecb0a4f6369ee6e000841bd3b5d5e7d31b8dfb3f637090a804b064eb1"
                     *         },
                     *         {
                     *           "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
                     *           "size": 4119,
                     *           "digest": "sha256:d2446de7db4775b454671a5c249ac1397a226e4f440e8c3a0165028a872685a0"
                     *         }
                     *       ]
                     *     }
                     */
                    readonly "application/vnd.docker.distribution.manifest.v2+json": components["schemas"]["Manifest"];
                    readonly "application/vnd.docker.distribution.manifest.list.v2+json": components["schemas"]["Index"];
                    readonly "application/vnd.oci.image.manifest.v1+json": components["schemas"]["Manifest"];
                    readonly "application/vnd.oci.image.index.v1+json": components["schemas"]["Index"];
                    readonly "*/*": string;
                };
            };
            readonly 304: components["responses"]["NotModified"];
            readonly 400: components["responses"]["BadRequest"];
            readonly 404: components["responses"]["NotFound"];
            readonly 405: components["responses"]["MethodNotAllowed"];
            readonly 500: components["responses"]["InternalError"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly putManifest: {
        readonly parameters: {
            readonly query?: {
                /**
                 * @description The registry that the client believes to talk to, when this server is its mirror (containerd sends it with every
                 *     request). One server holds one set of images, so it changes nothing here.
                 */
                readonly ns?: components["parameters"]["Namespace"];
                /** @description Tags to set, when the manifest is pushed by digest. May be repeated. */
                readonly tag?: components["parameters"]["Tags"];
            };
            readonly header?: never;
            readonly path: {
                /**
                 * @description The repository. May have slashes.
                 * @example hello
                 */
                readonly name: components["parameters"]["Name"];
                /** @description A tag (up to 128 letters, digits, `_`, `.` and `-`) or a digest. What contains a colon is a digest. */
                readonly reference: components["parameters"]["Reference"];
            };
            readonly cookie?: never;
        };
        /** @description The manifest. Its media type is the request's `Content-Type`. */
        readonly requestBody: {
            readonly content: {
                readonly "application/vnd.oci.image.manifest.v1+json": components["schemas"]["Manifest"];
                readonly "application/vnd.oci.image.index.v1+json": components["schemas"]["Index"];
                readonly "application/vnd.docker.distribution.manifest.v2+json": components["schemas"]["Manifest"];
                readonly "application/vnd.docker.distribution.manifest.list.v2+json": components["schemas"]["Index"];
                readonly "*/*": string;
            };
        };
        readonly responses: {
            /** @description Stored, and pullable from now on. */
            readonly 201: {
                headers: {
                    readonly "Docker-Distribution-Api-Version": components["headers"]["ApiVersion"];
                    readonly "X-Content-Type-Options": components["headers"]["NoSniff"];
                    readonly Location: components["headers"]["ContentLocation"];
                    readonly "Docker-Content-Digest": components["headers"]["ContentDigest"];
                    /** @description The digest of the manifest's `subject`, if it has one; tells the client that referrers work. */
                    readonly "OCI-Subject"?: string;
                    /** @description The tags of the `tag` parameter that were set, separated by commas. */
                    readonly "OCI-Tag"?: string;
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
            readonly 400: components["responses"]["BadRequest"];
            readonly 403: components["responses"]["Denied"];
            readonly 405: components["responses"]["MethodNotAllowed"];
            readonly 413: components["responses"]["TooLarge"];
            readonly 500: components["responses"]["InternalError"];
            readonly 503: components["responses"]["Unavailable"];
            readonly 507: components["responses"]["InsufficientStorage"];
        };
    };
    readonly deleteManifest: {
        readonly parameters: {
            readonly query?: {
                /**
                 * @description The registry that the client believes to talk to, when this server is its mirror (containerd sends it with every
                 *     request). One server holds one set of images, so it changes nothing here.
                 */
                readonly ns?: components["parameters"]["Namespace"];
            };
            readonly header?: never;
            readonly path: {
                /**
                 * @description The repository. May have slashes.
                 * @example hello
                 */
                readonly name: components["parameters"]["Name"];
                /** @description A tag (up to 128 letters, digits, `_`, `.` and `-`) or a digest. What contains a colon is a digest. */
                readonly reference: components["parameters"]["Reference"];
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            readonly 202: components["responses"]["Deleted"];
            readonly 400: components["responses"]["BadRequest"];
            readonly 403: components["responses"]["Denied"];
            readonly 404: components["responses"]["NotFound"];
            readonly 405: components["responses"]["MethodNotAllowed"];
            readonly 500: components["responses"]["InternalError"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly headManifest: {
        readonly parameters: {
            readonly query?: {
                /**
                 * @description The registry that the client believes to talk to, when this server is its mirror (containerd sends it with every
                 *     request). One server holds one set of images, so it changes nothing here.
                 */
                readonly ns?: components["parameters"]["Namespace"];
            };
            readonly header?: {
                /**
                 * @description The `ETag` that the client has (a list, a weak one, `*` or the bare digest will do): if it is still the same,
                 *     the answer is 304 without a body.
                 */
                readonly "If-None-Match"?: components["parameters"]["IfNoneMatch"];
            };
            readonly path: {
                /**
                 * @description The repository. May have slashes.
                 * @example hello
                 */
                readonly name: components["parameters"]["Name"];
                /** @description A tag (up to 128 letters, digits, `_`, `.` and `-`) or a digest. What contains a colon is a digest. */
                readonly reference: components["parameters"]["Reference"];
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description It exists. */
            readonly 200: {
                headers: {
                    readonly "Docker-Distribution-Api-Version": components["headers"]["ApiVersion"];
                    readonly "X-Content-Type-Options": components["headers"]["NoSniff"];
                    readonly "Content-Type": components["headers"]["ManifestType"];
                    readonly "Content-Length": components["headers"]["ContentLength"];
                    readonly "Docker-Content-Digest": components["headers"]["ContentDigest"];
                    readonly ETag: components["headers"]["ETag"];
                    readonly "Cache-Control": components["headers"]["CacheControl"];
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
            readonly 304: components["responses"]["NotModified"];
            readonly 400: components["responses"]["BadRequest"];
            readonly 404: components["responses"]["NotFound"];
            readonly 405: components["responses"]["MethodNotAllowed"];
            readonly 500: components["responses"]["InternalError"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly getBlob: {
        readonly parameters: {
            readonly query?: {
                /**
                 * @description The registry that the client believes to talk to, when this server is its mirror (containerd sends it with every
                 *     request). One server holds one set of images, so it changes nothing here.
                 */
                readonly ns?: components["parameters"]["Namespace"];
            };
            readonly header?: {
                /**
                 * @description One range of bytes: `bytes=0-99`, `bytes=100-` or `bytes=-100`. Several ranges or another unit are ignored, and
                 *     the whole blob comes.
                 */
                readonly Range?: components["parameters"]["Range"];
                /** @description The `ETag` that `Range` is meant for. Another one, and the whole blob comes. */
                readonly "If-Range"?: components["parameters"]["IfRange"];
                /**
                 * @description The `ETag` that the client has (a list, a weak one, `*` or the bare digest will do): if it is still the same,
                 *     the answer is 304 without a body.
                 */
                readonly "If-None-Match"?: components["parameters"]["IfNoneMatch"];
            };
            readonly path: {
                /**
                 * @description The repository. May have slashes.
                 * @example hello
                 */
                readonly name: components["parameters"]["Name"];
                /** @description The digest of the content. */
                readonly digest: components["parameters"]["Digest"];
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The whole blob. */
            readonly 200: {
                headers: {
                    readonly "Docker-Distribution-Api-Version": components["headers"]["ApiVersion"];
                    readonly "X-Content-Type-Options": components["headers"]["NoSniff"];
                    readonly "Content-Type": components["headers"]["BlobType"];
                    readonly "Content-Length": components["headers"]["ContentLength"];
                    readonly "Docker-Content-Digest": components["headers"]["ContentDigest"];
                    readonly ETag: components["headers"]["ETag"];
                    readonly "Cache-Control": components["headers"]["CacheControl"];
                    readonly "Accept-Ranges": components["headers"]["AcceptRanges"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/octet-stream": string;
                };
            };
            /** @description The part that `Range` asked for. */
            readonly 206: {
                headers: {
                    readonly "Docker-Distribution-Api-Version": components["headers"]["ApiVersion"];
                    readonly "X-Content-Type-Options": components["headers"]["NoSniff"];
                    readonly "Content-Type": components["headers"]["BlobType"];
                    readonly "Content-Length": components["headers"]["ContentLength"];
                    /**
                     * @description First and last byte sent, and the size of the whole blob.
                     * @example bytes 0-99/1679
                     */
                    readonly "Content-Range": string;
                    readonly "Docker-Content-Digest": components["headers"]["ContentDigest"];
                    readonly ETag: components["headers"]["ETag"];
                    readonly "Cache-Control": components["headers"]["CacheControl"];
                    readonly "Accept-Ranges": components["headers"]["AcceptRanges"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/octet-stream": string;
                };
            };
            readonly 304: components["responses"]["NotModified"];
            readonly 400: components["responses"]["BadRequest"];
            readonly 404: components["responses"]["NotFound"];
            readonly 405: components["responses"]["MethodNotAllowed"];
            readonly 416: components["responses"]["RangeNotSatisfiable"];
            readonly 500: components["responses"]["InternalError"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly deleteBlob: {
        readonly parameters: {
            readonly query?: {
                /**
                 * @description The registry that the client believes to talk to, when this server is its mirror (containerd sends it with every
                 *     request). One server holds one set of images, so it changes nothing here.
                 */
                readonly ns?: components["parameters"]["Namespace"];
            };
            readonly header?: never;
            readonly path: {
                /**
                 * @description The repository. May have slashes.
                 * @example hello
                 */
                readonly name: components["parameters"]["Name"];
                /** @description The digest of the content. */
                readonly digest: components["parameters"]["Digest"];
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            readonly 202: components["responses"]["Deleted"];
            readonly 400: components["responses"]["BadRequest"];
            readonly 404: components["responses"]["NotFound"];
            readonly 405: components["responses"]["MethodNotAllowed"];
            readonly 500: components["responses"]["InternalError"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly headBlob: {
        readonly parameters: {
            readonly query?: {
                /**
                 * @description The registry that the client believes to talk to, when this server is its mirror (containerd sends it with every
                 *     request). One server holds one set of images, so it changes nothing here.
                 */
                readonly ns?: components["parameters"]["Namespace"];
            };
            readonly header?: {
                /**
                 * @description The `ETag` that the client has (a list, a weak one, `*` or the bare digest will do): if it is still the same,
                 *     the answer is 304 without a body.
                 */
                readonly "If-None-Match"?: components["parameters"]["IfNoneMatch"];
            };
            readonly path: {
                /**
                 * @description The repository. May have slashes.
                 * @example hello
                 */
                readonly name: components["parameters"]["Name"];
                /** @description The digest of the content. */
                readonly digest: components["parameters"]["Digest"];
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description It exists. */
            readonly 200: {
                headers: {
                    readonly "Docker-Distribution-Api-Version": components["headers"]["ApiVersion"];
                    readonly "X-Content-Type-Options": components["headers"]["NoSniff"];
                    readonly "Content-Type": components["headers"]["BlobType"];
                    readonly "Content-Length": components["headers"]["ContentLength"];
                    readonly "Docker-Content-Digest": components["headers"]["ContentDigest"];
                    readonly ETag: components["headers"]["ETag"];
                    readonly "Cache-Control": components["headers"]["CacheControl"];
                    readonly "Accept-Ranges": components["headers"]["AcceptRanges"];
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
            readonly 304: components["responses"]["NotModified"];
            readonly 400: components["responses"]["BadRequest"];
            readonly 404: components["responses"]["NotFound"];
            readonly 405: components["responses"]["MethodNotAllowed"];
            readonly 500: components["responses"]["InternalError"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly startUpload: {
        readonly parameters: {
            readonly query?: {
                /**
                 * @description The registry that the client believes to talk to, when this server is its mirror (containerd sends it with every
                 *     request). One server holds one set of images, so it changes nothing here.
                 */
                readonly ns?: components["parameters"]["Namespace"];
                /** @description The digest of the body, when the body is the whole blob. */
                readonly digest?: components["schemas"]["Digest"];
                /** @description The algorithm that the session should hash with, when it is not sha256. */
                readonly "digest-algorithm"?: "sha256" | "sha512";
                /** @description The digest of the blob to take over. */
                readonly mount?: components["schemas"]["Digest"];
                /** @description The repository to take it from. */
                readonly from?: components["schemas"]["RepositoryName"];
            };
            readonly header?: never;
            readonly path: {
                /**
                 * @description The repository. May have slashes.
                 * @example hello
                 */
                readonly name: components["parameters"]["Name"];
            };
            readonly cookie?: never;
        };
        /** @description Empty, or the whole blob when `digest` is given. */
        readonly requestBody?: {
            readonly content: {
                readonly "application/octet-stream": string;
            };
        };
        readonly responses: {
            readonly 201: components["responses"]["BlobCreated"];
            readonly 202: components["responses"]["UploadAccepted"];
            readonly 400: components["responses"]["BadRequest"];
            readonly 405: components["responses"]["MethodNotAllowed"];
            readonly 413: components["responses"]["TooLarge"];
            readonly 429: components["responses"]["TooManyRequests"];
            readonly 500: components["responses"]["InternalError"];
            readonly 503: components["responses"]["Unavailable"];
            readonly 507: components["responses"]["InsufficientStorage"];
        };
    };
    readonly statUpload: {
        readonly parameters: {
            readonly query?: {
                /**
                 * @description The registry that the client believes to talk to, when this server is its mirror (containerd sends it with every
                 *     request). One server holds one set of images, so it changes nothing here.
                 */
                readonly ns?: components["parameters"]["Namespace"];
            };
            readonly header?: never;
            readonly path: {
                /**
                 * @description The repository. May have slashes.
                 * @example hello
                 */
                readonly name: components["parameters"]["Name"];
                /** @description The upload session. Clients use the `Location` that they were given and do not build it. */
                readonly session: components["parameters"]["Session"];
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The session is open. */
            readonly 204: {
                headers: {
                    readonly "Docker-Distribution-Api-Version": components["headers"]["ApiVersion"];
                    readonly "X-Content-Type-Options": components["headers"]["NoSniff"];
                    readonly Location: components["headers"]["UploadLocation"];
                    readonly Range: components["headers"]["UploadRange"];
                    readonly "Docker-Upload-UUID": components["headers"]["UploadId"];
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
            readonly 400: components["responses"]["BadRequest"];
            readonly 404: components["responses"]["NotFound"];
            readonly 405: components["responses"]["MethodNotAllowed"];
            readonly 500: components["responses"]["InternalError"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly commitUpload: {
        readonly parameters: {
            readonly query: {
                /**
                 * @description The registry that the client believes to talk to, when this server is its mirror (containerd sends it with every
                 *     request). One server holds one set of images, so it changes nothing here.
                 */
                readonly ns?: components["parameters"]["Namespace"];
                /**
                 * @description The digest of the whole blob.
                 * @example sha256:9a1e4390aa94a2e92d90d96ba04bf0bb0e5592a70a010a0ce14f9cdbdb633751
                 */
                readonly digest: components["schemas"]["Digest"];
            };
            readonly header?: {
                /** @description First and last byte of this piece, such as `0-1023`. */
                readonly "Content-Range"?: components["parameters"]["ContentRange"];
            };
            readonly path: {
                /**
                 * @description The repository. May have slashes.
                 * @example hello
                 */
                readonly name: components["parameters"]["Name"];
                /** @description The upload session. Clients use the `Location` that they were given and do not build it. */
                readonly session: components["parameters"]["Session"];
            };
            readonly cookie?: never;
        };
        /** @description Empty, or the last bytes. */
        readonly requestBody?: {
            readonly content: {
                readonly "application/octet-stream": string;
            };
        };
        readonly responses: {
            readonly 201: components["responses"]["BlobCreated"];
            readonly 400: components["responses"]["BadRequest"];
            readonly 404: components["responses"]["NotFound"];
            readonly 405: components["responses"]["MethodNotAllowed"];
            readonly 413: components["responses"]["TooLarge"];
            readonly 416: components["responses"]["RangeNotSatisfiable"];
            readonly 500: components["responses"]["InternalError"];
            readonly 503: components["responses"]["Unavailable"];
            readonly 507: components["responses"]["InsufficientStorage"];
        };
    };
    readonly cancelUpload: {
        readonly parameters: {
            readonly query?: {
                /**
                 * @description The registry that the client believes to talk to, when this server is its mirror (containerd sends it with every
                 *     request). One server holds one set of images, so it changes nothing here.
                 */
                readonly ns?: components["parameters"]["Namespace"];
            };
            readonly header?: never;
            readonly path: {
                /**
                 * @description The repository. May have slashes.
                 * @example hello
                 */
                readonly name: components["parameters"]["Name"];
                /** @description The upload session. Clients use the `Location` that they were given and do not build it. */
                readonly session: components["parameters"]["Session"];
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The session is gone. */
            readonly 204: {
                headers: {
                    readonly "Docker-Distribution-Api-Version": components["headers"]["ApiVersion"];
                    readonly "X-Content-Type-Options": components["headers"]["NoSniff"];
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
            readonly 400: components["responses"]["BadRequest"];
            readonly 404: components["responses"]["NotFound"];
            readonly 405: components["responses"]["MethodNotAllowed"];
            readonly 500: components["responses"]["InternalError"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly appendUpload: {
        readonly parameters: {
            readonly query?: {
                /**
                 * @description The registry that the client believes to talk to, when this server is its mirror (containerd sends it with every
                 *     request). One server holds one set of images, so it changes nothing here.
                 */
                readonly ns?: components["parameters"]["Namespace"];
            };
            readonly header?: {
                /** @description First and last byte of this piece, such as `0-1023`. */
                readonly "Content-Range"?: components["parameters"]["ContentRange"];
            };
            readonly path: {
                /**
                 * @description The repository. May have slashes.
                 * @example hello
                 */
                readonly name: components["parameters"]["Name"];
                /** @description The upload session. Clients use the `Location` that they were given and do not build it. */
                readonly session: components["parameters"]["Session"];
            };
            readonly cookie?: never;
        };
        /** @description The bytes. */
        readonly requestBody?: {
            readonly content: {
                readonly "application/octet-stream": string;
            };
        };
        readonly responses: {
            readonly 202: components["responses"]["UploadAccepted"];
            readonly 400: components["responses"]["BadRequest"];
            readonly 404: components["responses"]["NotFound"];
            readonly 405: components["responses"]["MethodNotAllowed"];
            readonly 413: components["responses"]["TooLarge"];
            readonly 416: components["responses"]["RangeNotSatisfiable"];
            readonly 500: components["responses"]["InternalError"];
            readonly 503: components["responses"]["Unavailable"];
            readonly 507: components["responses"]["InsufficientStorage"];
        };
    };
    readonly listReferrers: {
        readonly parameters: {
            readonly query?: {
                /**
                 * @description The registry that the client believes to talk to, when this server is its mirror (containerd sends it with every
                 *     request). One server holds one set of images, so it changes nothing here.
                 */
                readonly ns?: components["parameters"]["Namespace"];
                /** @description At most this many entries. 0 gives an empty list. */
                readonly n?: components["parameters"]["PageSize"];
                /** @description Begin after the referrer of this digest, which need not exist. */
                readonly last?: components["parameters"]["LastReferrer"];
                /** @description Only referrers of this type. Repeated, any of them. */
                readonly artifactType?: readonly string[];
            };
            readonly header?: never;
            readonly path: {
                /**
                 * @description The repository. May have slashes.
                 * @example hello
                 */
                readonly name: components["parameters"]["Name"];
                /** @description The digest of the content. */
                readonly digest: components["parameters"]["Digest"];
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description An image index; its `manifests` are the referrers. */
            readonly 200: {
                headers: {
                    readonly "Docker-Distribution-Api-Version": components["headers"]["ApiVersion"];
                    readonly "X-Content-Type-Options": components["headers"]["NoSniff"];
                    /** @description Exactly this; clients take anything else for a registry without referrers. */
                    readonly "Content-Type": "application/vnd.oci.image.index.v1+json";
                    /** @description Says that the filter was applied. */
                    readonly "OCI-Filters-Applied"?: "artifactType";
                    /** @description The next page, if there is one. */
                    readonly Link?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "schemaVersion": 2,
                     *       "mediaType": "application/vnd.oci.image.index.v1+json",
                     *       "manifests": []
                     *     }
                     */
                    readonly "application/vnd.oci.image.index.v1+json": components["schemas"]["Index"];
                };
            };
            readonly 400: components["responses"]["BadRequest"];
            readonly 405: components["responses"]["MethodNotAllowed"];
            readonly 500: components["responses"]["InternalError"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
}
