/** What V8's garbage collector is told before the program begins. */
import { setFlagsFromString } from 'node:v8';

/**
 * For a program that has its process to itself: a server that is embedded leaves the flags of V8 to who embeds it. Objects
 * begin young, whatever came of their like. Else V8 counts which places in the code make objects that survive, and makes
 * those old from the start: what a task is made of then, as tasks live through a collection now and then. From there on
 * nothing of a task is freed but by full collections, which costs a fifth of the throughput of sends and streams.
 */
export function startObjectsYoung(): void {
  setFlagsFromString('--no-allocation-site-pretenuring');
}
