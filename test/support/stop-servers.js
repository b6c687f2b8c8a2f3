/** After each integration test file: no server that it started goes on running. */
import { afterAll } from 'vitest';
import { stopAllParleys } from './server.js';

afterAll(stopAllParleys);
