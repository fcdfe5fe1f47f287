/** Takes what is to be done when a test is over: a `TestContext` does. */
export interface Cleanup {
  after(action: () => void): void;
}
