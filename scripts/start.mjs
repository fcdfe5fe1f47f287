// @ts-check
/**
 * `npm start`: sets up what is missing and serves images/. In one process, so that a signal to npm reaches the server.
 */
import { setUp } from "./setup.mjs";

setUp();
process.argv.splice(2, 0, "serve", "images");
const main = new URL("../dist/program/main.js", import.meta.url).href;
await import(main);
