/** Something that the benchmark needs and this machine does not have. Its message says what to do. */
export class Missing extends Error {
  override readonly name = "Missing";
}
