// Written by `npm run generate` from ociregistry.yaml. Do not edit: change that file and run it again.

/** The document as a value: what the server routes by, and what /openapi.json sends. */
export const document = {
  "openapi": "3.0.3",
  "info": {
    "title": "ociregistry",
    "version": "0.1.0",
    "license": {
      "name": "Apache-2.0",
      "url": "https://www.apache.org/licenses/LICENSE-2.0"
    },
    "description": "The [OCI Distribution](https://github.com/opencontainers/distribution-spec/blob/main/spec.md) API as this server\nspeaks it: version 1.1 and what its main branch adds. Every request below can be tried on this page, and it is the\nsame request that `docker pull`, containerd, podman, skopeo and `crane` send.\n\n**A pull in four steps** (press *Execute* on each; the examples are the sample image `hello`):\n\n| step | request | what it gives |\n|---|---|---|\n| 1 | `GET /v2/` | is there a registry? |\n| 2 | `HEAD /v2/hello/manifests/latest` | the digest that the tag means now |\n| 3 | `GET /v2/hello/manifests/sha256:…` | the manifest: which blobs make up the image |\n| 4 | `GET /v2/hello/blobs/sha256:…` | each blob: the config, then the layers |\n\n**Names.** `{name}` is a repository such as `hello` or `team/app/web`: any number of segments, with plain slashes in\nthe path (this document marks the parameter `x-multi-segment`, and `%2F` is accepted too). A name of one segment\nand `library/<name>` are the same repository, as on Docker Hub.\n\n**Digests.** Content is named by its hash, `sha256:<64 hex>`. What was stored is what is sent: never converted,\nre-serialised or compressed, whatever the client accepts.\n\n**HEAD** works wherever GET does, and says the same in its headers.\n\n**Errors** are JSON, `{\"errors\":[{\"code\",\"message\",\"detail\"}]}`; a client reads `code`, a person reads `message`.\nWhat is no valid HTTP request (two `Host` headers, say) is answered with 400, and the connection ends.\nThe sections named below are headings of the distribution specification.\n"
  },
  "servers": [
    {
      "url": "/",
      "description": "this server"
    }
  ],
  "security": [],
  "tags": [
    {
      "name": "base",
      "description": "Is there a registry, and which version of the API does it speak?"
    },
    {
      "name": "manifests",
      "description": "A manifest lists the blobs of an image, an index lists the manifests of several platforms. Both are small JSON\ndocuments, reached by tag or by digest.\n"
    },
    {
      "name": "blobs",
      "description": "Configs and layers, reached by digest. They never change, so they may be cached for ever."
    },
    {
      "name": "uploads",
      "description": "How a blob gets in: start a session, send the bytes in one or several pieces, finish with the digest. A folder of\narchives is read-only, so a server that only serves one answers 405 here.\n"
    },
    {
      "name": "lists",
      "description": "Which repositories there are, and which tags a repository has."
    },
    {
      "name": "referrers",
      "description": "What points at a manifest (signatures, SBOMs, attestations)."
    }
  ],
  "paths": {
    "/v2": {
      "get": {
        "tags": [
          "base"
        ],
        "operationId": "redirectToBase",
        "summary": "The base path without its slash",
        "description": "People type `curl localhost:8080/v2`; programs send the slash. This sends the former to the latter. A browser\ngoes there by itself, so *Execute* shows the answer of `/v2/`.\n",
        "responses": {
          "301": {
            "description": "The base check is at `/v2/`.",
            "headers": {
              "Docker-Distribution-Api-Version": {
                "$ref": "#/components/headers/ApiVersion"
              },
              "X-Content-Type-Options": {
                "$ref": "#/components/headers/NoSniff"
              },
              "Location": {
                "description": "Where to ask instead.",
                "required": true,
                "schema": {
                  "type": "string",
                  "enum": [
                    "/v2/"
                  ]
                }
              }
            }
          },
          "405": {
            "$ref": "#/components/responses/MethodNotAllowed"
          }
        }
      }
    },
    "/v2/": {
      "get": {
        "tags": [
          "base"
        ],
        "operationId": "getBase",
        "summary": "Is this a registry?",
        "description": "The first request of docker, podman, skopeo and crane, before anything else; load balancers use it as a check.\n200 means that the API is spoken here and that this client may use it.\n\nSection *Determining Support* (end-1).\n",
        "responses": {
          "200": {
            "description": "Yes. The body says nothing and no client reads it.",
            "headers": {
              "Docker-Distribution-Api-Version": {
                "$ref": "#/components/headers/ApiVersion"
              },
              "X-Content-Type-Options": {
                "$ref": "#/components/headers/NoSniff"
              }
            },
            "content": {
              "application/json": {
                "schema": {
                  "type": "object",
                  "additionalProperties": false
                },
                "example": {}
              }
            }
          },
          "405": {
            "$ref": "#/components/responses/MethodNotAllowed"
          }
        }
      }
    },
    "/v2/_catalog": {
      "get": {
        "tags": [
          "lists"
        ],
        "operationId": "listRepositories",
        "summary": "Which repositories are there?",
        "description": "All repositories, in byte order. Sent by `crane catalog`, `skopeo sync` and browsers of registries; no client\nneeds it to pull. It comes from Docker's API and is not part of the OCI specification, which reserves the name.\n\nWith `n` the list comes in pages: follow `Link` until there is none.\n",
        "parameters": [
          {
            "$ref": "#/components/parameters/PageSize"
          },
          {
            "$ref": "#/components/parameters/LastRepository"
          },
          {
            "$ref": "#/components/parameters/Namespace"
          }
        ],
        "responses": {
          "200": {
            "description": "A page of repository names.",
            "headers": {
              "Docker-Distribution-Api-Version": {
                "$ref": "#/components/headers/ApiVersion"
              },
              "X-Content-Type-Options": {
                "$ref": "#/components/headers/NoSniff"
              },
              "Link": {
                "description": "The next page, if there is one.",
                "schema": {
                  "type": "string",
                  "pattern": "^<[^>]+>; rel=\"next\"$"
                },
                "example": "</v2/_catalog?n=1&last=hello>; rel=\"next\""
              }
            },
            "content": {
              "application/json": {
                "schema": {
                  "$ref": "#/components/schemas/RepositoryList"
                },
                "example": {
                  "repositories": [
                    "hello"
                  ]
                }
              }
            }
          },
          "400": {
            "$ref": "#/components/responses/BadRequest"
          },
          "405": {
            "$ref": "#/components/responses/MethodNotAllowed"
          },
          "500": {
            "$ref": "#/components/responses/InternalError"
          },
          "503": {
            "$ref": "#/components/responses/Unavailable"
          }
        }
      }
    },
    "/v2/{name}/tags/list": {
      "parameters": [
        {
          "$ref": "#/components/parameters/Name"
        },
        {
          "$ref": "#/components/parameters/Namespace"
        }
      ],
      "get": {
        "tags": [
          "lists"
        ],
        "operationId": "listTags",
        "summary": "Which tags does a repository have?",
        "description": "All tags, in byte order. Sent by `crane ls`, `skopeo list-tags`, `oras repo tags` and update bots.\n\nWith `n` the list comes in pages: follow `Link` until there is none. `last` need not exist any more, so paging\ngoes on while tags are deleted.\n\nSection *Listing Tags* (end-8a, end-8b).\n",
        "parameters": [
          {
            "$ref": "#/components/parameters/PageSize"
          },
          {
            "$ref": "#/components/parameters/LastTag"
          }
        ],
        "responses": {
          "200": {
            "description": "A page of tags.",
            "headers": {
              "Docker-Distribution-Api-Version": {
                "$ref": "#/components/headers/ApiVersion"
              },
              "X-Content-Type-Options": {
                "$ref": "#/components/headers/NoSniff"
              },
              "Link": {
                "description": "The next page, if there is one.",
                "schema": {
                  "type": "string",
                  "pattern": "^<[^>]+>; rel=\"next\"$"
                },
                "example": "</v2/hello/tags/list?n=1&last=latest>; rel=\"next\""
              }
            },
            "content": {
              "application/json": {
                "schema": {
                  "$ref": "#/components/schemas/TagList"
                },
                "example": {
                  "name": "hello",
                  "tags": [
                    "latest"
                  ]
                }
              }
            }
          },
          "400": {
            "$ref": "#/components/responses/BadRequest"
          },
          "404": {
            "$ref": "#/components/responses/NotFound"
          },
          "405": {
            "$ref": "#/components/responses/MethodNotAllowed"
          },
          "500": {
            "$ref": "#/components/responses/InternalError"
          },
          "503": {
            "$ref": "#/components/responses/Unavailable"
          }
        }
      }
    },
    "/v2/{name}/manifests/{reference}": {
      "parameters": [
        {
          "$ref": "#/components/parameters/Name"
        },
        {
          "$ref": "#/components/parameters/Reference"
        },
        {
          "$ref": "#/components/parameters/Namespace"
        }
      ],
      "get": {
        "tags": [
          "manifests"
        ],
        "operationId": "getManifest",
        "summary": "Fetch a manifest",
        "description": "The stored bytes, with the media type that they were stored with. Clients say in `Accept` which types they know;\nthis server sends what there is all the same, because another form would have another digest.\n\nSent by every client: crane and skopeo ask by tag at once, docker and containerd ask HEAD by tag first and then\nGET by digest.\n\nSection *Pulling manifests* (end-3).\n",
        "parameters": [
          {
            "$ref": "#/components/parameters/IfNoneMatch"
          }
        ],
        "responses": {
          "200": {
            "description": "The manifest or index.",
            "headers": {
              "Docker-Distribution-Api-Version": {
                "$ref": "#/components/headers/ApiVersion"
              },
              "X-Content-Type-Options": {
                "$ref": "#/components/headers/NoSniff"
              },
              "Content-Type": {
                "$ref": "#/components/headers/ManifestType"
              },
              "Content-Length": {
                "$ref": "#/components/headers/ContentLength"
              },
              "Docker-Content-Digest": {
                "$ref": "#/components/headers/ContentDigest"
              },
              "ETag": {
                "$ref": "#/components/headers/ETag"
              },
              "Cache-Control": {
                "$ref": "#/components/headers/CacheControl"
              }
            },
            "content": {
              "application/vnd.docker.distribution.manifest.v2+json": {
                "schema": {
                  "$ref": "#/components/schemas/Manifest"
                },
                "example": {
                  "schemaVersion": 2,
                  "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
                  "config": {
                    "mediaType": "application/vnd.docker.container.image.v1+json",
                    "size": 1679,
                    "digest": "sha256:9a1e4390aa94a2e92d90d96ba04bf0bb0e5592a70a010a0ce14f9cdbdb633751"
                  },
                  "layers": [
                    {
                      "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
                      "size": 5143,
                      "digest": "sha256:0b4956bcf02b67dc1612b0cdb3bee308186186bd31413d6aaa9e447355543822"
                    },
                    {
                      "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
                      "size": 2071,
                      "digest": "sha256:0455c63ecb0a4f6369ee6e000841bd3b5d5e7d31b8dfb3f637090a804b064eb1"
                    },
                    {
                      "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
                      "size": 4119,
                      "digest": "sha256:d2446de7db4775b454671a5c249ac1397a226e4f440e8c3a0165028a872685a0"
                    }
                  ]
                }
              },
              "application/vnd.docker.distribution.manifest.list.v2+json": {
                "schema": {
                  "$ref": "#/components/schemas/Index"
                },
                "examples": {
                  "hello": {
                    "$ref": "#/components/examples/DockerIndex"
                  }
                }
              },
              "application/vnd.oci.image.manifest.v1+json": {
                "schema": {
                  "$ref": "#/components/schemas/Manifest"
                },
                "examples": {
                  "hello": {
                    "$ref": "#/components/examples/Manifest"
                  }
                }
              },
              "application/vnd.oci.image.index.v1+json": {
                "schema": {
                  "$ref": "#/components/schemas/Index"
                },
                "examples": {
                  "hello": {
                    "$ref": "#/components/examples/Index"
                  }
                }
              },
              "*/*": {
                "schema": {
                  "type": "string",
                  "format": "binary"
                }
              }
            }
          },
          "304": {
            "$ref": "#/components/responses/NotModified"
          },
          "400": {
            "$ref": "#/components/responses/BadRequest"
          },
          "404": {
            "$ref": "#/components/responses/NotFound"
          },
          "405": {
            "$ref": "#/components/responses/MethodNotAllowed"
          },
          "500": {
            "$ref": "#/components/responses/InternalError"
          },
          "503": {
            "$ref": "#/components/responses/Unavailable"
          }
        }
      },
      "head": {
        "tags": [
          "manifests"
        ],
        "operationId": "headManifest",
        "summary": "What does a tag mean now?",
        "description": "The headers of the GET without the body: type, length and digest. docker and containerd resolve a tag with this\nbefore each pull, and update bots ask nothing else.\n\nSection *Checking if content exists in the registry* (end-3).\n",
        "parameters": [
          {
            "$ref": "#/components/parameters/IfNoneMatch"
          }
        ],
        "responses": {
          "200": {
            "description": "It exists.",
            "headers": {
              "Docker-Distribution-Api-Version": {
                "$ref": "#/components/headers/ApiVersion"
              },
              "X-Content-Type-Options": {
                "$ref": "#/components/headers/NoSniff"
              },
              "Content-Type": {
                "$ref": "#/components/headers/ManifestType"
              },
              "Content-Length": {
                "$ref": "#/components/headers/ContentLength"
              },
              "Docker-Content-Digest": {
                "$ref": "#/components/headers/ContentDigest"
              },
              "ETag": {
                "$ref": "#/components/headers/ETag"
              },
              "Cache-Control": {
                "$ref": "#/components/headers/CacheControl"
              }
            }
          },
          "304": {
            "$ref": "#/components/responses/NotModified"
          },
          "400": {
            "$ref": "#/components/responses/BadRequest"
          },
          "404": {
            "$ref": "#/components/responses/NotFound"
          },
          "405": {
            "$ref": "#/components/responses/MethodNotAllowed"
          },
          "500": {
            "$ref": "#/components/responses/InternalError"
          },
          "503": {
            "$ref": "#/components/responses/Unavailable"
          }
        }
      },
      "put": {
        "tags": [
          "manifests"
        ],
        "operationId": "putManifest",
        "summary": "Push a manifest",
        "description": "The last request of a push: from then on the image can be pulled. The bytes are kept exactly as they are, and\ntheir digest is the manifest's name.\n\nSent by docker, podman, skopeo, crane, oras, helm and cosign with a tag, or with a digest for what has no tag\n(children of an index, referrers).\n\nSection *Pushing Manifests* (end-7a, end-7b).\n",
        "parameters": [
          {
            "$ref": "#/components/parameters/Tags"
          }
        ],
        "requestBody": {
          "description": "The manifest. Its media type is the request's `Content-Type`.",
          "required": true,
          "content": {
            "application/vnd.oci.image.manifest.v1+json": {
              "schema": {
                "$ref": "#/components/schemas/Manifest"
              },
              "examples": {
                "hello": {
                  "$ref": "#/components/examples/Manifest"
                }
              }
            },
            "application/vnd.oci.image.index.v1+json": {
              "schema": {
                "$ref": "#/components/schemas/Index"
              },
              "examples": {
                "hello": {
                  "$ref": "#/components/examples/Index"
                }
              }
            },
            "application/vnd.docker.distribution.manifest.v2+json": {
              "schema": {
                "$ref": "#/components/schemas/Manifest"
              },
              "examples": {
                "hello": {
                  "summary": "the image hello",
                  "value": {
                    "schemaVersion": 2,
                    "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
                    "config": {
                      "mediaType": "application/vnd.docker.container.image.v1+json",
                      "size": 1679,
                      "digest": "sha256:9a1e4390aa94a2e92d90d96ba04bf0bb0e5592a70a010a0ce14f9cdbdb633751"
                    },
                    "layers": [
                      {
                        "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
                        "size": 5143,
                        "digest": "sha256:0b4956bcf02b67dc1612b0cdb3bee308186186bd31413d6aaa9e447355543822"
                      },
                      {
                        "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
                        "size": 2071,
                        "digest": "sha256:0455c63ecb0a4f6369ee6e000841bd3b5d5e7d31b8dfb3f637090a804b064eb1"
                      },
                      {
                        "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
                        "size": 4119,
                        "digest": "sha256:d2446de7db4775b454671a5c249ac1397a226e4f440e8c3a0165028a872685a0"
                      }
                    ]
                  }
                }
              }
            },
            "application/vnd.docker.distribution.manifest.list.v2+json": {
              "schema": {
                "$ref": "#/components/schemas/Index"
              },
              "examples": {
                "hello": {
                  "$ref": "#/components/examples/DockerIndex"
                }
              }
            },
            "*/*": {
              "schema": {
                "type": "string",
                "format": "binary"
              }
            }
          }
        },
        "responses": {
          "201": {
            "description": "Stored, and pullable from now on.",
            "headers": {
              "Docker-Distribution-Api-Version": {
                "$ref": "#/components/headers/ApiVersion"
              },
              "X-Content-Type-Options": {
                "$ref": "#/components/headers/NoSniff"
              },
              "Location": {
                "$ref": "#/components/headers/ContentLocation"
              },
              "Docker-Content-Digest": {
                "$ref": "#/components/headers/ContentDigest"
              },
              "OCI-Subject": {
                "description": "The digest of the manifest's `subject`, if it has one; tells the client that referrers work.",
                "schema": {
                  "type": "string"
                }
              },
              "OCI-Tag": {
                "description": "The tags of the `tag` parameter that were set, separated by commas.",
                "schema": {
                  "type": "string"
                }
              }
            }
          },
          "400": {
            "$ref": "#/components/responses/BadRequest"
          },
          "403": {
            "$ref": "#/components/responses/Denied"
          },
          "405": {
            "$ref": "#/components/responses/MethodNotAllowed"
          },
          "413": {
            "$ref": "#/components/responses/TooLarge"
          },
          "500": {
            "$ref": "#/components/responses/InternalError"
          },
          "503": {
            "$ref": "#/components/responses/Unavailable"
          },
          "507": {
            "$ref": "#/components/responses/InsufficientStorage"
          }
        }
      },
      "delete": {
        "tags": [
          "manifests"
        ],
        "operationId": "deleteManifest",
        "summary": "Delete a tag, or a manifest with all its tags",
        "description": "By tag: the tag goes, the manifest stays. By digest: the manifest goes, and every tag that points at it.\n\nSent by `crane delete`, `skopeo delete`, `oras manifest delete` and `regctl tag rm`.\n\nSection *Deleting tags*, *Deleting manifests* (end-9).\n",
        "responses": {
          "202": {
            "$ref": "#/components/responses/Deleted"
          },
          "400": {
            "$ref": "#/components/responses/BadRequest"
          },
          "403": {
            "$ref": "#/components/responses/Denied"
          },
          "404": {
            "$ref": "#/components/responses/NotFound"
          },
          "405": {
            "$ref": "#/components/responses/MethodNotAllowed"
          },
          "500": {
            "$ref": "#/components/responses/InternalError"
          },
          "503": {
            "$ref": "#/components/responses/Unavailable"
          }
        }
      }
    },
    "/v2/{name}/blobs/{digest}": {
      "parameters": [
        {
          "$ref": "#/components/parameters/Name"
        },
        {
          "$ref": "#/components/parameters/Digest"
        },
        {
          "$ref": "#/components/parameters/Namespace"
        }
      ],
      "get": {
        "tags": [
          "blobs"
        ],
        "operationId": "getBlob",
        "summary": "Fetch a blob, or a part of it",
        "description": "The bytes of a config or a layer. Sent by every client for each blob that it does not have yet. A broken download\ngoes on with `Range`; containerd 2 fetches large layers in several ranges at once.\n\nThe bytes are checked against the digest when they are first served. If they do not match, the answer is 404; a\nlarge blob that was never checked is broken off before its end. Wrong bytes never arrive as a whole.\n\nFrom a shell: `curl -O http://localhost:8080/v2/hello/blobs/<digest>`.\n\nSection *Pulling blobs* (end-2).\n",
        "parameters": [
          {
            "$ref": "#/components/parameters/Range"
          },
          {
            "$ref": "#/components/parameters/IfRange"
          },
          {
            "$ref": "#/components/parameters/IfNoneMatch"
          }
        ],
        "responses": {
          "200": {
            "description": "The whole blob.",
            "headers": {
              "Docker-Distribution-Api-Version": {
                "$ref": "#/components/headers/ApiVersion"
              },
              "X-Content-Type-Options": {
                "$ref": "#/components/headers/NoSniff"
              },
              "Content-Type": {
                "$ref": "#/components/headers/BlobType"
              },
              "Content-Length": {
                "$ref": "#/components/headers/ContentLength"
              },
              "Docker-Content-Digest": {
                "$ref": "#/components/headers/ContentDigest"
              },
              "ETag": {
                "$ref": "#/components/headers/ETag"
              },
              "Cache-Control": {
                "$ref": "#/components/headers/CacheControl"
              },
              "Accept-Ranges": {
                "$ref": "#/components/headers/AcceptRanges"
              }
            },
            "content": {
              "application/octet-stream": {
                "schema": {
                  "type": "string",
                  "format": "binary"
                }
              }
            }
          },
          "206": {
            "description": "The part that `Range` asked for.",
            "headers": {
              "Docker-Distribution-Api-Version": {
                "$ref": "#/components/headers/ApiVersion"
              },
              "X-Content-Type-Options": {
                "$ref": "#/components/headers/NoSniff"
              },
              "Content-Type": {
                "$ref": "#/components/headers/BlobType"
              },
              "Content-Length": {
                "$ref": "#/components/headers/ContentLength"
              },
              "Content-Range": {
                "description": "First and last byte sent, and the size of the whole blob.",
                "required": true,
                "schema": {
                  "type": "string",
                  "pattern": "^bytes [0-9]+-[0-9]+/[0-9]+$"
                },
                "example": "bytes 0-99/1679"
              },
              "Docker-Content-Digest": {
                "$ref": "#/components/headers/ContentDigest"
              },
              "ETag": {
                "$ref": "#/components/headers/ETag"
              },
              "Cache-Control": {
                "$ref": "#/components/headers/CacheControl"
              },
              "Accept-Ranges": {
                "$ref": "#/components/headers/AcceptRanges"
              }
            },
            "content": {
              "application/octet-stream": {
                "schema": {
                  "type": "string",
                  "format": "binary"
                }
              }
            }
          },
          "304": {
            "$ref": "#/components/responses/NotModified"
          },
          "400": {
            "$ref": "#/components/responses/BadRequest"
          },
          "404": {
            "$ref": "#/components/responses/NotFound"
          },
          "405": {
            "$ref": "#/components/responses/MethodNotAllowed"
          },
          "416": {
            "$ref": "#/components/responses/RangeNotSatisfiable"
          },
          "500": {
            "$ref": "#/components/responses/InternalError"
          },
          "503": {
            "$ref": "#/components/responses/Unavailable"
          }
        }
      },
      "head": {
        "tags": [
          "blobs"
        ],
        "operationId": "headBlob",
        "summary": "Is this blob here, and how large is it?",
        "description": "The headers of the GET without the body. A client that pushes asks this for each blob, and uploads only what is\nmissing; docker asks it again after the upload.\n\nSection *Checking if content exists in the registry* (end-2).\n",
        "parameters": [
          {
            "$ref": "#/components/parameters/IfNoneMatch"
          }
        ],
        "responses": {
          "200": {
            "description": "It exists.",
            "headers": {
              "Docker-Distribution-Api-Version": {
                "$ref": "#/components/headers/ApiVersion"
              },
              "X-Content-Type-Options": {
                "$ref": "#/components/headers/NoSniff"
              },
              "Content-Type": {
                "$ref": "#/components/headers/BlobType"
              },
              "Content-Length": {
                "$ref": "#/components/headers/ContentLength"
              },
              "Docker-Content-Digest": {
                "$ref": "#/components/headers/ContentDigest"
              },
              "ETag": {
                "$ref": "#/components/headers/ETag"
              },
              "Cache-Control": {
                "$ref": "#/components/headers/CacheControl"
              },
              "Accept-Ranges": {
                "$ref": "#/components/headers/AcceptRanges"
              }
            }
          },
          "304": {
            "$ref": "#/components/responses/NotModified"
          },
          "400": {
            "$ref": "#/components/responses/BadRequest"
          },
          "404": {
            "$ref": "#/components/responses/NotFound"
          },
          "405": {
            "$ref": "#/components/responses/MethodNotAllowed"
          },
          "500": {
            "$ref": "#/components/responses/InternalError"
          },
          "503": {
            "$ref": "#/components/responses/Unavailable"
          }
        }
      },
      "delete": {
        "tags": [
          "blobs"
        ],
        "operationId": "deleteBlob",
        "summary": "Delete a blob from a repository",
        "description": "The blob goes from this repository; a copy that another repository holds stays there. Few clients send it,\nbecause collecting garbage does the same.\n\nSection *Deleting Blobs* (end-10).\n",
        "responses": {
          "202": {
            "$ref": "#/components/responses/Deleted"
          },
          "400": {
            "$ref": "#/components/responses/BadRequest"
          },
          "404": {
            "$ref": "#/components/responses/NotFound"
          },
          "405": {
            "$ref": "#/components/responses/MethodNotAllowed"
          },
          "500": {
            "$ref": "#/components/responses/InternalError"
          },
          "503": {
            "$ref": "#/components/responses/Unavailable"
          }
        }
      }
    },
    "/v2/{name}/blobs/uploads/": {
      "parameters": [
        {
          "$ref": "#/components/parameters/Name"
        },
        {
          "$ref": "#/components/parameters/Namespace"
        }
      ],
      "post": {
        "tags": [
          "uploads"
        ],
        "operationId": "startUpload",
        "summary": "Start an upload, upload at once, or mount",
        "description": "One request with three uses, told apart by the query:\n\n- nothing: open a session, and send the bytes to its `Location` (docker, podman, skopeo, crane, oras);\n- `digest`: the body is the whole blob, and no session is needed;\n- `mount` and `from`: take the blob over from another repository without sending it (docker, podman, crane).\n  When that is not possible a session is opened instead, and the client uploads.\n\nSection *Pushing blobs*, *Mounting a blob from another repository* (end-4a, end-4b, end-4c, end-11).\n",
        "parameters": [
          {
            "name": "digest",
            "in": "query",
            "x-error-code": "DIGEST_INVALID",
            "description": "The digest of the body, when the body is the whole blob.",
            "schema": {
              "$ref": "#/components/schemas/Digest"
            }
          },
          {
            "name": "digest-algorithm",
            "in": "query",
            "x-error-code": "DIGEST_INVALID",
            "description": "The algorithm that the session should hash with, when it is not sha256.",
            "schema": {
              "type": "string",
              "enum": [
                "sha256",
                "sha512"
              ]
            }
          },
          {
            "name": "mount",
            "in": "query",
            "x-error-code": "DIGEST_INVALID",
            "description": "The digest of the blob to take over.",
            "schema": {
              "$ref": "#/components/schemas/Digest"
            }
          },
          {
            "name": "from",
            "in": "query",
            "x-error-code": "NAME_INVALID",
            "description": "The repository to take it from.",
            "schema": {
              "$ref": "#/components/schemas/RepositoryName"
            }
          }
        ],
        "requestBody": {
          "description": "Empty, or the whole blob when `digest` is given.",
          "content": {
            "application/octet-stream": {
              "schema": {
                "type": "string",
                "format": "binary"
              }
            }
          }
        },
        "responses": {
          "201": {
            "$ref": "#/components/responses/BlobCreated"
          },
          "202": {
            "$ref": "#/components/responses/UploadAccepted"
          },
          "400": {
            "$ref": "#/components/responses/BadRequest"
          },
          "405": {
            "$ref": "#/components/responses/MethodNotAllowed"
          },
          "413": {
            "$ref": "#/components/responses/TooLarge"
          },
          "429": {
            "$ref": "#/components/responses/TooManyRequests"
          },
          "500": {
            "$ref": "#/components/responses/InternalError"
          },
          "503": {
            "$ref": "#/components/responses/Unavailable"
          },
          "507": {
            "$ref": "#/components/responses/InsufficientStorage"
          }
        }
      }
    },
    "/v2/{name}/blobs/uploads/{session}": {
      "parameters": [
        {
          "$ref": "#/components/parameters/Name"
        },
        {
          "$ref": "#/components/parameters/Session"
        },
        {
          "$ref": "#/components/parameters/Namespace"
        }
      ],
      "get": {
        "tags": [
          "uploads"
        ],
        "operationId": "statUpload",
        "summary": "How far is an upload?",
        "description": "Which bytes have arrived. A client asks this to go on after a lost connection.\n\nSection *Pushing a blob in chunks* (end-13).\n",
        "responses": {
          "204": {
            "description": "The session is open.",
            "headers": {
              "Docker-Distribution-Api-Version": {
                "$ref": "#/components/headers/ApiVersion"
              },
              "X-Content-Type-Options": {
                "$ref": "#/components/headers/NoSniff"
              },
              "Location": {
                "$ref": "#/components/headers/UploadLocation"
              },
              "Range": {
                "$ref": "#/components/headers/UploadRange"
              },
              "Docker-Upload-UUID": {
                "$ref": "#/components/headers/UploadId"
              }
            }
          },
          "400": {
            "$ref": "#/components/responses/BadRequest"
          },
          "404": {
            "$ref": "#/components/responses/NotFound"
          },
          "405": {
            "$ref": "#/components/responses/MethodNotAllowed"
          },
          "500": {
            "$ref": "#/components/responses/InternalError"
          },
          "503": {
            "$ref": "#/components/responses/Unavailable"
          }
        }
      },
      "patch": {
        "tags": [
          "uploads"
        ],
        "operationId": "appendUpload",
        "summary": "Send bytes to an upload",
        "description": "The next piece of the blob. With `Content-Range` it must begin where the last one ended; without, it is appended\n(docker, podman and skopeo stream a whole layer this way).\n\nSection *Pushing a blob in chunks* (end-5).\n",
        "parameters": [
          {
            "$ref": "#/components/parameters/ContentRange"
          }
        ],
        "requestBody": {
          "description": "The bytes.",
          "content": {
            "application/octet-stream": {
              "schema": {
                "type": "string",
                "format": "binary"
              }
            }
          }
        },
        "responses": {
          "202": {
            "$ref": "#/components/responses/UploadAccepted"
          },
          "400": {
            "$ref": "#/components/responses/BadRequest"
          },
          "404": {
            "$ref": "#/components/responses/NotFound"
          },
          "405": {
            "$ref": "#/components/responses/MethodNotAllowed"
          },
          "413": {
            "$ref": "#/components/responses/TooLarge"
          },
          "416": {
            "$ref": "#/components/responses/RangeNotSatisfiable"
          },
          "500": {
            "$ref": "#/components/responses/InternalError"
          },
          "503": {
            "$ref": "#/components/responses/Unavailable"
          },
          "507": {
            "$ref": "#/components/responses/InsufficientStorage"
          }
        }
      },
      "put": {
        "tags": [
          "uploads"
        ],
        "operationId": "commitUpload",
        "summary": "Finish an upload",
        "description": "Closes the session with the digest of the whole blob; the body may hold the last piece, or all of it (containerd,\noras). The blob exists once this is answered with 201.\n\nSection *Pushing a blob in chunks*, *POST then PUT* (end-6).\n",
        "parameters": [
          {
            "name": "digest",
            "in": "query",
            "x-error-code": "DIGEST_INVALID",
            "required": true,
            "description": "The digest of the whole blob.",
            "schema": {
              "$ref": "#/components/schemas/Digest"
            },
            "example": "sha256:9a1e4390aa94a2e92d90d96ba04bf0bb0e5592a70a010a0ce14f9cdbdb633751"
          },
          {
            "$ref": "#/components/parameters/ContentRange"
          }
        ],
        "requestBody": {
          "description": "Empty, or the last bytes.",
          "content": {
            "application/octet-stream": {
              "schema": {
                "type": "string",
                "format": "binary"
              }
            }
          }
        },
        "responses": {
          "201": {
            "$ref": "#/components/responses/BlobCreated"
          },
          "400": {
            "$ref": "#/components/responses/BadRequest"
          },
          "404": {
            "$ref": "#/components/responses/NotFound"
          },
          "405": {
            "$ref": "#/components/responses/MethodNotAllowed"
          },
          "413": {
            "$ref": "#/components/responses/TooLarge"
          },
          "416": {
            "$ref": "#/components/responses/RangeNotSatisfiable"
          },
          "500": {
            "$ref": "#/components/responses/InternalError"
          },
          "503": {
            "$ref": "#/components/responses/Unavailable"
          },
          "507": {
            "$ref": "#/components/responses/InsufficientStorage"
          }
        }
      },
      "delete": {
        "tags": [
          "uploads"
        ],
        "operationId": "cancelUpload",
        "summary": "Give up an upload",
        "description": "The session and its bytes go. podman and skopeo send this when a mount opened a session that they do not need.\n\nSection *Cancel a blob upload* (end-14).\n",
        "responses": {
          "204": {
            "description": "The session is gone.",
            "headers": {
              "Docker-Distribution-Api-Version": {
                "$ref": "#/components/headers/ApiVersion"
              },
              "X-Content-Type-Options": {
                "$ref": "#/components/headers/NoSniff"
              }
            }
          },
          "400": {
            "$ref": "#/components/responses/BadRequest"
          },
          "404": {
            "$ref": "#/components/responses/NotFound"
          },
          "405": {
            "$ref": "#/components/responses/MethodNotAllowed"
          },
          "500": {
            "$ref": "#/components/responses/InternalError"
          },
          "503": {
            "$ref": "#/components/responses/Unavailable"
          }
        }
      }
    },
    "/v2/{name}/referrers/{digest}": {
      "parameters": [
        {
          "$ref": "#/components/parameters/Name"
        },
        {
          "$ref": "#/components/parameters/Digest"
        },
        {
          "$ref": "#/components/parameters/Namespace"
        }
      ],
      "get": {
        "tags": [
          "referrers"
        ],
        "operationId": "listReferrers",
        "summary": "What points at a manifest?",
        "description": "An index of the manifests whose `subject` is this digest: signatures, SBOMs, attestations. Sent by cosign,\n`oras discover` and `regctl artifact list`. An unknown digest or repository has no referrers: 200 and an empty\nlist, because a 404 would mean that the registry does not know this request.\n\nWhat does not fit in one answer (4 MiB, or `n` entries) comes in pages: follow `Link` until there is none.\n\nSection *Listing Referrers* (end-12a, end-12b).\n",
        "parameters": [
          {
            "$ref": "#/components/parameters/PageSize"
          },
          {
            "$ref": "#/components/parameters/LastReferrer"
          },
          {
            "name": "artifactType",
            "in": "query",
            "description": "Only referrers of this type. Repeated, any of them.",
            "style": "form",
            "explode": true,
            "schema": {
              "type": "array",
              "items": {
                "type": "string"
              }
            }
          }
        ],
        "responses": {
          "200": {
            "description": "An image index; its `manifests` are the referrers.",
            "headers": {
              "Docker-Distribution-Api-Version": {
                "$ref": "#/components/headers/ApiVersion"
              },
              "X-Content-Type-Options": {
                "$ref": "#/components/headers/NoSniff"
              },
              "Content-Type": {
                "description": "Exactly this; clients take anything else for a registry without referrers.",
                "required": true,
                "schema": {
                  "type": "string",
                  "enum": [
                    "application/vnd.oci.image.index.v1+json"
                  ]
                }
              },
              "OCI-Filters-Applied": {
                "description": "Says that the filter was applied.",
                "schema": {
                  "type": "string",
                  "enum": [
                    "artifactType"
                  ]
                }
              },
              "Link": {
                "description": "The next page, if there is one.",
                "schema": {
                  "type": "string",
                  "pattern": "^<[^>]+>; rel=\"next\"$"
                }
              }
            },
            "content": {
              "application/vnd.oci.image.index.v1+json": {
                "schema": {
                  "$ref": "#/components/schemas/Index"
                },
                "example": {
                  "schemaVersion": 2,
                  "mediaType": "application/vnd.oci.image.index.v1+json",
                  "manifests": []
                }
              }
            }
          },
          "400": {
            "$ref": "#/components/responses/BadRequest"
          },
          "405": {
            "$ref": "#/components/responses/MethodNotAllowed"
          },
          "500": {
            "$ref": "#/components/responses/InternalError"
          },
          "503": {
            "$ref": "#/components/responses/Unavailable"
          }
        }
      }
    }
  },
  "components": {
    "parameters": {
      "Name": {
        "name": "name",
        "in": "path",
        "required": true,
        "x-multi-segment": true,
        "x-error-code": "NAME_INVALID",
        "description": "The repository. May have slashes.",
        "schema": {
          "$ref": "#/components/schemas/RepositoryName"
        },
        "example": "hello"
      },
      "Reference": {
        "name": "reference",
        "in": "path",
        "required": true,
        "description": "A tag (up to 128 letters, digits, `_`, `.` and `-`) or a digest. What contains a colon is a digest.\n",
        "schema": {
          "type": "string"
        },
        "examples": {
          "tag": {
            "summary": "the tag",
            "value": "latest"
          },
          "digest": {
            "summary": "the digest",
            "value": "sha256:c81d467cfdbd57dab14c8118dbf2a6a5e0281b7929a5f527d9bf3160ffb75065"
          }
        }
      },
      "Digest": {
        "name": "digest",
        "in": "path",
        "required": true,
        "x-error-code": "DIGEST_INVALID",
        "description": "The digest of the content.",
        "schema": {
          "$ref": "#/components/schemas/Digest"
        },
        "examples": {
          "config": {
            "summary": "the config of hello",
            "value": "sha256:9a1e4390aa94a2e92d90d96ba04bf0bb0e5592a70a010a0ce14f9cdbdb633751"
          },
          "layer": {
            "summary": "a layer of hello",
            "value": "sha256:0455c63ecb0a4f6369ee6e000841bd3b5d5e7d31b8dfb3f637090a804b064eb1"
          },
          "manifest": {
            "summary": "the manifest of hello, for its referrers",
            "value": "sha256:c81d467cfdbd57dab14c8118dbf2a6a5e0281b7929a5f527d9bf3160ffb75065"
          }
        }
      },
      "Session": {
        "name": "session",
        "in": "path",
        "required": true,
        "x-error-code": "BLOB_UPLOAD_UNKNOWN",
        "description": "The upload session. Clients use the `Location` that they were given and do not build it.",
        "schema": {
          "type": "string",
          "maxLength": 128
        }
      },
      "Namespace": {
        "name": "ns",
        "in": "query",
        "description": "The registry that the client believes to talk to, when this server is its mirror (containerd sends it with every\nrequest). One server holds one set of images, so it changes nothing here.\n",
        "schema": {
          "type": "string"
        }
      },
      "PageSize": {
        "name": "n",
        "in": "query",
        "x-error-code": "PAGINATION_NUMBER_INVALID",
        "description": "At most this many entries. 0 gives an empty list.",
        "schema": {
          "type": "integer",
          "minimum": 0
        }
      },
      "LastTag": {
        "name": "last",
        "in": "query",
        "description": "Begin after this tag, which need not exist.",
        "schema": {
          "type": "string"
        }
      },
      "LastRepository": {
        "name": "last",
        "in": "query",
        "description": "Begin after this repository, which need not exist.",
        "schema": {
          "type": "string"
        }
      },
      "LastReferrer": {
        "name": "last",
        "in": "query",
        "x-error-code": "DIGEST_INVALID",
        "description": "Begin after the referrer of this digest, which need not exist.",
        "schema": {
          "$ref": "#/components/schemas/Digest"
        }
      },
      "Tags": {
        "name": "tag",
        "in": "query",
        "x-error-code": "TAG_INVALID",
        "description": "Tags to set, when the manifest is pushed by digest. May be repeated.",
        "style": "form",
        "explode": true,
        "schema": {
          "type": "array",
          "items": {
            "$ref": "#/components/schemas/Tag"
          }
        }
      },
      "Range": {
        "name": "Range",
        "in": "header",
        "description": "One range of bytes: `bytes=0-99`, `bytes=100-` or `bytes=-100`. Several ranges or another unit are ignored, and\nthe whole blob comes.\n",
        "schema": {
          "type": "string"
        },
        "examples": {
          "whole": {
            "summary": "the whole blob",
            "value": ""
          },
          "start": {
            "summary": "the first 100 bytes",
            "value": "bytes=0-99"
          }
        }
      },
      "IfRange": {
        "name": "If-Range",
        "in": "header",
        "description": "The `ETag` that `Range` is meant for. Another one, and the whole blob comes.",
        "schema": {
          "type": "string"
        }
      },
      "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "description": "The `ETag` that the client has (a list, a weak one, `*` or the bare digest will do): if it is still the same,\nthe answer is 304 without a body.\n",
        "schema": {
          "type": "string"
        }
      },
      "ContentRange": {
        "name": "Content-Range",
        "in": "header",
        "description": "First and last byte of this piece, such as `0-1023`.",
        "schema": {
          "type": "string"
        }
      }
    },
    "headers": {
      "ApiVersion": {
        "description": "The version of Docker's registry API, for old clients.",
        "required": true,
        "schema": {
          "type": "string",
          "enum": [
            "registry/2.0"
          ]
        }
      },
      "NoSniff": {
        "description": "Content is what its type says, whatever it looks like to a browser.",
        "required": true,
        "schema": {
          "type": "string",
          "enum": [
            "nosniff"
          ]
        }
      },
      "ManifestType": {
        "description": "The media type that the manifest was stored with, without parameters.",
        "required": true,
        "schema": {
          "type": "string"
        },
        "example": "application/vnd.docker.distribution.manifest.v2+json"
      },
      "BlobType": {
        "description": "Always the same; what a blob is stands in the manifest.",
        "required": true,
        "schema": {
          "type": "string",
          "enum": [
            "application/octet-stream"
          ]
        }
      },
      "ContentLength": {
        "description": "The number of bytes.",
        "required": true,
        "schema": {
          "type": "string",
          "pattern": "^[0-9]+$"
        },
        "example": "747"
      },
      "ContentDigest": {
        "description": "The digest of the content.",
        "required": true,
        "schema": {
          "$ref": "#/components/schemas/Digest"
        },
        "example": "sha256:c81d467cfdbd57dab14c8118dbf2a6a5e0281b7929a5f527d9bf3160ffb75065"
      },
      "ETag": {
        "description": "The digest in quotes, for `If-None-Match` and `If-Range`.",
        "required": true,
        "schema": {
          "type": "string",
          "pattern": "^\"[^\"]+\"$"
        },
        "example": "\"sha256:c81d467cfdbd57dab14c8118dbf2a6a5e0281b7929a5f527d9bf3160ffb75065\""
      },
      "CacheControl": {
        "description": "What is named by its digest never changes and may be kept for a year; a tag must be asked for again.",
        "required": true,
        "schema": {
          "type": "string",
          "enum": [
            "public, max-age=31536000, immutable",
            "no-cache"
          ]
        }
      },
      "AcceptRanges": {
        "description": "Parts can be asked for.",
        "required": true,
        "schema": {
          "type": "string",
          "enum": [
            "bytes"
          ]
        }
      },
      "Allow": {
        "description": "The methods that work on this path.",
        "required": true,
        "schema": {
          "type": "string"
        },
        "example": "GET, HEAD"
      },
      "ContentLocation": {
        "description": "Where the content can be pulled from.",
        "required": true,
        "schema": {
          "type": "string"
        }
      },
      "UploadLocation": {
        "description": "Where the next request of this upload goes.",
        "required": true,
        "schema": {
          "type": "string"
        }
      },
      "UploadRange": {
        "description": "The bytes that have arrived, `0-<last>`; `0-0` also when there are none yet.",
        "required": true,
        "schema": {
          "type": "string",
          "pattern": "^0-[0-9]+$"
        }
      },
      "UploadId": {
        "description": "The session, for old clients.",
        "required": true,
        "schema": {
          "type": "string"
        }
      }
    },
    "responses": {
      "NotModified": {
        "description": "The client has it already.",
        "headers": {
          "Docker-Distribution-Api-Version": {
            "$ref": "#/components/headers/ApiVersion"
          },
          "X-Content-Type-Options": {
            "$ref": "#/components/headers/NoSniff"
          },
          "Docker-Content-Digest": {
            "$ref": "#/components/headers/ContentDigest"
          },
          "ETag": {
            "$ref": "#/components/headers/ETag"
          },
          "Cache-Control": {
            "$ref": "#/components/headers/CacheControl"
          }
        }
      },
      "Deleted": {
        "description": "Gone.",
        "headers": {
          "Docker-Distribution-Api-Version": {
            "$ref": "#/components/headers/ApiVersion"
          },
          "X-Content-Type-Options": {
            "$ref": "#/components/headers/NoSniff"
          }
        }
      },
      "BlobCreated": {
        "description": "The blob is stored in the repository.",
        "headers": {
          "Docker-Distribution-Api-Version": {
            "$ref": "#/components/headers/ApiVersion"
          },
          "X-Content-Type-Options": {
            "$ref": "#/components/headers/NoSniff"
          },
          "Location": {
            "$ref": "#/components/headers/ContentLocation"
          },
          "Docker-Content-Digest": {
            "$ref": "#/components/headers/ContentDigest"
          }
        }
      },
      "UploadAccepted": {
        "description": "The session is open; go on at `Location`.",
        "headers": {
          "Docker-Distribution-Api-Version": {
            "$ref": "#/components/headers/ApiVersion"
          },
          "X-Content-Type-Options": {
            "$ref": "#/components/headers/NoSniff"
          },
          "Location": {
            "$ref": "#/components/headers/UploadLocation"
          },
          "Range": {
            "$ref": "#/components/headers/UploadRange"
          },
          "Docker-Upload-UUID": {
            "$ref": "#/components/headers/UploadId"
          }
        }
      },
      "BadRequest": {
        "description": "Something in the request is not valid; the code says what.",
        "headers": {
          "Docker-Distribution-Api-Version": {
            "$ref": "#/components/headers/ApiVersion"
          },
          "X-Content-Type-Options": {
            "$ref": "#/components/headers/NoSniff"
          }
        },
        "content": {
          "application/json": {
            "schema": {
              "$ref": "#/components/schemas/Errors"
            },
            "example": {
              "errors": [
                {
                  "code": "NAME_INVALID",
                  "message": "The repository name is not valid",
                  "detail": "the parameter name is malformed"
                }
              ]
            }
          }
        }
      },
      "NotFound": {
        "description": "There is no such repository, manifest, blob or upload.",
        "headers": {
          "Docker-Distribution-Api-Version": {
            "$ref": "#/components/headers/ApiVersion"
          },
          "X-Content-Type-Options": {
            "$ref": "#/components/headers/NoSniff"
          }
        },
        "content": {
          "application/json": {
            "schema": {
              "$ref": "#/components/schemas/Errors"
            },
            "example": {
              "errors": [
                {
                  "code": "NAME_UNKNOWN",
                  "message": "There is no such repository",
                  "detail": "team/app/web"
                }
              ]
            }
          }
        }
      },
      "MethodNotAllowed": {
        "description": "This path does not know the method, or the registry is read-only.",
        "headers": {
          "Docker-Distribution-Api-Version": {
            "$ref": "#/components/headers/ApiVersion"
          },
          "X-Content-Type-Options": {
            "$ref": "#/components/headers/NoSniff"
          },
          "Allow": {
            "$ref": "#/components/headers/Allow"
          }
        },
        "content": {
          "application/json": {
            "schema": {
              "$ref": "#/components/schemas/Errors"
            },
            "example": {
              "errors": [
                {
                  "code": "UNSUPPORTED",
                  "message": "This registry does not support the operation",
                  "detail": "this path takes GET, HEAD"
                }
              ]
            }
          }
        }
      },
      "TooLarge": {
        "description": "The manifest is larger than 4 MiB, or the blob larger than this server takes.",
        "headers": {
          "Docker-Distribution-Api-Version": {
            "$ref": "#/components/headers/ApiVersion"
          },
          "X-Content-Type-Options": {
            "$ref": "#/components/headers/NoSniff"
          }
        },
        "content": {
          "application/json": {
            "schema": {
              "$ref": "#/components/schemas/Errors"
            },
            "example": {
              "errors": [
                {
                  "code": "SIZE_INVALID",
                  "message": "The content is too large",
                  "detail": "a manifest has at most 4194304 bytes"
                }
              ]
            }
          }
        }
      },
      "RangeNotSatisfiable": {
        "description": "The range lies outside the blob, or the piece does not begin where the last one ended.",
        "headers": {
          "Docker-Distribution-Api-Version": {
            "$ref": "#/components/headers/ApiVersion"
          },
          "X-Content-Type-Options": {
            "$ref": "#/components/headers/NoSniff"
          },
          "Content-Range": {
            "description": "The size of the blob, when one was asked for.",
            "schema": {
              "type": "string",
              "pattern": "^bytes [*]/[0-9]+$"
            }
          },
          "Location": {
            "description": "The upload session, when bytes were sent to one.",
            "schema": {
              "type": "string"
            }
          },
          "Range": {
            "description": "The bytes that have arrived, when bytes were sent to an upload.",
            "schema": {
              "type": "string",
              "pattern": "^0-[0-9]+$"
            }
          }
        },
        "content": {
          "application/json": {
            "schema": {
              "$ref": "#/components/schemas/Errors"
            },
            "example": {
              "errors": [
                {
                  "code": "RANGE_INVALID",
                  "message": "The range does not fit the content",
                  "detail": "the content has 1679 bytes"
                }
              ]
            }
          }
        }
      },
      "Denied": {
        "description": "The tag may not be moved or removed.",
        "headers": {
          "Docker-Distribution-Api-Version": {
            "$ref": "#/components/headers/ApiVersion"
          },
          "X-Content-Type-Options": {
            "$ref": "#/components/headers/NoSniff"
          }
        },
        "content": {
          "application/json": {
            "schema": {
              "$ref": "#/components/schemas/Errors"
            },
            "example": {
              "errors": [
                {
                  "code": "DENIED",
                  "message": "You may not do this",
                  "detail": "the tag 1.0 is immutable here; push under another tag"
                }
              ]
            }
          }
        }
      },
      "TooManyRequests": {
        "description": "The client has too many uploads open.",
        "headers": {
          "Docker-Distribution-Api-Version": {
            "$ref": "#/components/headers/ApiVersion"
          },
          "X-Content-Type-Options": {
            "$ref": "#/components/headers/NoSniff"
          },
          "Retry-After": {
            "description": "Seconds to wait.",
            "required": true,
            "schema": {
              "type": "string",
              "pattern": "^[0-9]+$"
            }
          }
        },
        "content": {
          "application/json": {
            "schema": {
              "$ref": "#/components/schemas/Errors"
            },
            "example": {
              "errors": [
                {
                  "code": "TOOMANYREQUESTS",
                  "message": "Too many requests; try again later",
                  "detail": "1000 uploads are open; finish or cancel some"
                }
              ]
            }
          }
        }
      },
      "InsufficientStorage": {
        "description": "The disk is full, or what uploads may take is taken. Nothing of the request was kept.",
        "headers": {
          "Docker-Distribution-Api-Version": {
            "$ref": "#/components/headers/ApiVersion"
          },
          "X-Content-Type-Options": {
            "$ref": "#/components/headers/NoSniff"
          }
        },
        "content": {
          "application/json": {
            "schema": {
              "$ref": "#/components/schemas/Errors"
            },
            "example": {
              "errors": [
                {
                  "code": "INSUFFICIENT_STORAGE",
                  "message": "The server has no room left for this content"
                }
              ]
            }
          }
        }
      },
      "InternalError": {
        "description": "A fault of the server. Its log has the cause.",
        "headers": {
          "Docker-Distribution-Api-Version": {
            "$ref": "#/components/headers/ApiVersion"
          },
          "X-Content-Type-Options": {
            "$ref": "#/components/headers/NoSniff"
          }
        },
        "content": {
          "application/json": {
            "schema": {
              "$ref": "#/components/schemas/Errors"
            },
            "example": {
              "errors": [
                {
                  "code": "UNKNOWN",
                  "message": "The server failed; its log has the cause"
                }
              ]
            }
          }
        }
      },
      "Unavailable": {
        "description": "The server has no resources left for this request just now.",
        "headers": {
          "Docker-Distribution-Api-Version": {
            "$ref": "#/components/headers/ApiVersion"
          },
          "X-Content-Type-Options": {
            "$ref": "#/components/headers/NoSniff"
          },
          "Retry-After": {
            "description": "Seconds to wait.",
            "required": true,
            "schema": {
              "type": "string",
              "pattern": "^[0-9]+$"
            }
          }
        },
        "content": {
          "application/json": {
            "schema": {
              "$ref": "#/components/schemas/Errors"
            },
            "example": {
              "errors": [
                {
                  "code": "UNAVAILABLE",
                  "message": "The server cannot give this now; try again shortly",
                  "detail": "too many files are open"
                }
              ]
            }
          }
        }
      }
    },
    "examples": {
      "Manifest": {
        "summary": "the image hello",
        "value": {
          "schemaVersion": 2,
          "mediaType": "application/vnd.oci.image.manifest.v1+json",
          "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "size": 1679,
            "digest": "sha256:9a1e4390aa94a2e92d90d96ba04bf0bb0e5592a70a010a0ce14f9cdbdb633751"
          },
          "layers": [
            {
              "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
              "size": 5143,
              "digest": "sha256:0b4956bcf02b67dc1612b0cdb3bee308186186bd31413d6aaa9e447355543822"
            },
            {
              "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
              "size": 2071,
              "digest": "sha256:0455c63ecb0a4f6369ee6e000841bd3b5d5e7d31b8dfb3f637090a804b064eb1"
            },
            {
              "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
              "size": 4119,
              "digest": "sha256:d2446de7db4775b454671a5c249ac1397a226e4f440e8c3a0165028a872685a0"
            }
          ]
        }
      },
      "Index": {
        "summary": "an index of one platform",
        "value": {
          "schemaVersion": 2,
          "mediaType": "application/vnd.oci.image.index.v1+json",
          "manifests": [
            {
              "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
              "size": 747,
              "digest": "sha256:c81d467cfdbd57dab14c8118dbf2a6a5e0281b7929a5f527d9bf3160ffb75065",
              "platform": {
                "architecture": "amd64",
                "os": "linux"
              }
            }
          ]
        }
      },
      "DockerIndex": {
        "summary": "an index of one platform",
        "value": {
          "schemaVersion": 2,
          "mediaType": "application/vnd.docker.distribution.manifest.list.v2+json",
          "manifests": [
            {
              "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
              "size": 747,
              "digest": "sha256:c81d467cfdbd57dab14c8118dbf2a6a5e0281b7929a5f527d9bf3160ffb75065",
              "platform": {
                "architecture": "amd64",
                "os": "linux"
              }
            }
          ]
        }
      }
    },
    "schemas": {
      "RepositoryName": {
        "type": "string",
        "maxLength": 255,
        "pattern": "^[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*$"
      },
      "Tag": {
        "type": "string",
        "pattern": "^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$"
      },
      "Digest": {
        "description": "An algorithm and a hash. `sha256` has 64 and `sha512` 128 lower-case hex digits; others may come one day.\n",
        "type": "string",
        "maxLength": 255,
        "pattern": "^(sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128}|(?!sha256:|sha512:)[a-z0-9]+([+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+)$"
      },
      "RepositoryList": {
        "type": "object",
        "required": [
          "repositories"
        ],
        "additionalProperties": false,
        "properties": {
          "repositories": {
            "type": "array",
            "items": {
              "$ref": "#/components/schemas/RepositoryName"
            }
          }
        }
      },
      "TagList": {
        "type": "object",
        "required": [
          "name",
          "tags"
        ],
        "additionalProperties": false,
        "properties": {
          "name": {
            "$ref": "#/components/schemas/RepositoryName"
          },
          "tags": {
            "type": "array",
            "items": {
              "$ref": "#/components/schemas/Tag"
            }
          }
        }
      },
      "Descriptor": {
        "description": "Names content by media type, digest and size (image-spec, \"Content Descriptors\").",
        "type": "object",
        "required": [
          "mediaType",
          "digest",
          "size"
        ],
        "properties": {
          "mediaType": {
            "type": "string"
          },
          "digest": {
            "$ref": "#/components/schemas/Digest"
          },
          "size": {
            "type": "integer",
            "minimum": 0
          },
          "urls": {
            "description": "Where else the content can be had (foreign layers).",
            "type": "array",
            "items": {
              "type": "string"
            }
          },
          "annotations": {
            "type": "object",
            "additionalProperties": {
              "type": "string"
            }
          },
          "artifactType": {
            "type": "string"
          },
          "platform": {
            "type": "object",
            "required": [
              "architecture",
              "os"
            ],
            "properties": {
              "architecture": {
                "type": "string"
              },
              "os": {
                "type": "string"
              },
              "variant": {
                "type": "string"
              },
              "os.version": {
                "type": "string"
              },
              "os.features": {
                "type": "array",
                "items": {
                  "type": "string"
                }
              }
            }
          }
        }
      },
      "Manifest": {
        "description": "An image of one platform, or an artifact (image-spec, \"Image Manifest\").",
        "type": "object",
        "required": [
          "schemaVersion",
          "config",
          "layers"
        ],
        "properties": {
          "schemaVersion": {
            "type": "integer",
            "enum": [
              2
            ]
          },
          "mediaType": {
            "type": "string"
          },
          "artifactType": {
            "type": "string"
          },
          "config": {
            "$ref": "#/components/schemas/Descriptor"
          },
          "layers": {
            "type": "array",
            "items": {
              "$ref": "#/components/schemas/Descriptor"
            }
          },
          "subject": {
            "$ref": "#/components/schemas/Descriptor"
          },
          "annotations": {
            "type": "object",
            "additionalProperties": {
              "type": "string"
            }
          }
        }
      },
      "Index": {
        "description": "Several manifests, one for each platform (image-spec, \"Image Index\").",
        "type": "object",
        "required": [
          "schemaVersion",
          "manifests"
        ],
        "properties": {
          "schemaVersion": {
            "type": "integer",
            "enum": [
              2
            ]
          },
          "mediaType": {
            "type": "string"
          },
          "artifactType": {
            "type": "string"
          },
          "manifests": {
            "type": "array",
            "items": {
              "$ref": "#/components/schemas/Descriptor"
            }
          },
          "subject": {
            "$ref": "#/components/schemas/Descriptor"
          },
          "annotations": {
            "type": "object",
            "additionalProperties": {
              "type": "string"
            }
          }
        }
      },
      "Errors": {
        "description": "Every refusal has this form (section \"Error Codes\").",
        "type": "object",
        "required": [
          "errors"
        ],
        "additionalProperties": false,
        "properties": {
          "errors": {
            "type": "array",
            "minItems": 1,
            "items": {
              "type": "object",
              "required": [
                "code",
                "message"
              ],
              "additionalProperties": false,
              "properties": {
                "code": {
                  "$ref": "#/components/schemas/ErrorCode"
                },
                "message": {
                  "description": "For people.",
                  "type": "string"
                },
                "detail": {
                  "description": "What it was about.",
                  "type": "string"
                }
              }
            }
          }
        }
      },
      "ErrorCode": {
        "description": "The codes of the specification, those that Docker's registry added (`UNKNOWN`, `UNAVAILABLE`, `RANGE_INVALID`,\n`TAG_INVALID`, `PAGINATION_NUMBER_INVALID`), and `INSUFFICIENT_STORAGE`, for which neither has one.\n",
        "type": "string",
        "enum": [
          "BLOB_UNKNOWN",
          "BLOB_UPLOAD_INVALID",
          "BLOB_UPLOAD_UNKNOWN",
          "DIGEST_INVALID",
          "MANIFEST_BLOB_UNKNOWN",
          "MANIFEST_INVALID",
          "MANIFEST_UNKNOWN",
          "NAME_INVALID",
          "NAME_UNKNOWN",
          "SIZE_INVALID",
          "UNAUTHORIZED",
          "DENIED",
          "UNSUPPORTED",
          "TOOMANYREQUESTS",
          "UNKNOWN",
          "INSUFFICIENT_STORAGE",
          "UNAVAILABLE",
          "RANGE_INVALID",
          "TAG_INVALID",
          "PAGINATION_NUMBER_INVALID"
        ]
      }
    }
  }
};
