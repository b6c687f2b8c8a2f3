/** Before the integration tests: dist/ must be what src/ says, for they run the compiled program. */
import { buildIfStale } from '../../scripts/build.mjs';
import { BUILD_FAILED } from './program.ts';

/** A failure is told to the tests that run the program; those that do not (layering, lint) can still say what they see. */
export function setup(): void {
  if (!buildIfStale()) process.env[BUILD_FAILED] = '1';
}
