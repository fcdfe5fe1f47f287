/** A header of an answer, from its head as it came, by its name in any case; undefined when it was not sent. */
export const headerIn = (head: string, name: string): string | undefined =>
  new RegExp(`^${name}: *(.*)\r$`, "im").exec(head)?.[1];
