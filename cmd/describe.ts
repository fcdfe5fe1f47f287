/** A failure in the words that it was thrown with. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** A failure with all that is known of it, for whoever mends it. */
export const describe = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);
