import { type IncomingHttpHeaders, request } from "node:http";

/** An answer that was read to its end. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** As they came: name, value, name, value. */
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

export interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One request on a connection of its own, with any answer. */
export function ask(url: string, { method = "GET", headers = {} }: Asked = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asking = request(url, { method, headers, agent: false }, (response) => {
      const { statusCode: status = 0, headers: answered, rawHeaders } = response;
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (text: string) => {
        body += text;
      });
      response.on("error", reject);
      response.on("end", () => resolve({ status, headers: answered, rawHeaders, body }));
    });
    asking.on("error", reject);
    asking.end();
  });
}

/** One request on a connection of its own. Throws when the answer is not a 200. */
export async function get(url: string, asked?: Asked): Promise<Answer> {
  const answer = await ask(url, asked);
  if (answer.status !== 200) throw new Error(`${url} answered ${answer.status}: ${answer.body}`);
  return answer;
}
