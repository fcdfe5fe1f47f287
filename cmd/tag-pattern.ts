import type { Tag } from "../registry/reference.ts";

/** Whether a tag fits a pattern in which `*` stands for any characters and `?` for one. */
export function tagPattern(pattern: string): (tag: Tag) => boolean {
  const literal = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  const expression = new RegExp(`^${literal.replaceAll("*", ".*").replaceAll("?", ".")}$`);
  return (tag) => expression.test(tag);
}
