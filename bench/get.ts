import { get as httpGet, type IncomingHttpHeaders } from "node:http";

/** An answer that was read to its end. */
export interface Answer {
  readonly headers: IncomingHttpHeaders;
  /** As they came: name, value, name, value. */
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

/** One request on a connection of its own. Throws when the answer is not a 200. */
export function get(url: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpGet(url, { agent: false }, (response) => {
      const { statusCode, headers, rawHeaders } = response;
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (text: string) => {
        body += text;
      });
      response.on("error", reject);
      response.on("end", () => {
        if (statusCode === 200) resolve({ headers, rawHeaders, body });
        else reject(new Error(`${url} answered ${statusCode}: ${body}`));
      });
    });
    request.on("error", reject);
  });
}
