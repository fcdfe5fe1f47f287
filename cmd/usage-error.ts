/** A mistake on the command line or in what it names. Its message is one line that says what to do. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
