// @ts-check
/** `npm start`: builds when needed, then serves. Arguments go on to `parley serve`. */
process.argv.splice(2, 0, 'serve');
await import('./cli.mjs');
