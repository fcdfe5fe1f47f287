/**
 * Something that is at hand, or a promise of it. Most of what a registry is asked for is in memory, and to wait for what
 * is there costs several turns of the queue, which together were an eighth of the answer. Who gives such a value may also
 * throw at once what otherwise is a rejection: for `await` it is all the same.
 */
export type Soon<T> = T | Promise<T>;

/** Goes on with a value as soon as it is there. */
export const whenHere = <T, U>(value: Soon<T>, next: (value: T) => Soon<U>): Soon<U> =>
  value instanceof Promise ? value.then(next) : next(value);

/** What `action` gives, or what `recover` makes of its error. */
export function orElse<T, U = T>(action: () => Soon<T>, recover: (error: unknown) => Soon<U>): Soon<T | U> {
  let value: Soon<T>;
  try {
    value = action();
  } catch (error) {
    return recover(error);
  }
  return value instanceof Promise ? value.catch(recover) : value;
}
