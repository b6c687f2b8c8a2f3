#!/usr/bin/env node
/** The `parley` command: tells V8 what it must know before the rest of the program is loaded, and loads it. */
import { startObjectsYoung } from '../ops/heap.ts';
import { readCodeCache } from './code-cache.ts';

// First: code that was compiled under other flags of V8 is refused.
startObjectsYoung();
readCodeCache(process.argv[2] === 'cache-code');
void import('./commands.ts').then(({ runCommand }) => runCommand());
