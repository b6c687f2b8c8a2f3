/** The compiled program, run as users run it. */
import { execFile } from 'node:child_process';
import { programFile } from '../../scripts/build.mjs';
/** Set by build-setup.ts. */
export const BUILD_FAILED = 'PARLEY_TEST_BUILD_FAILED';
/**
 * Path of the program's entry point, for `node PATH serve`.
 * @throws Error when src/ does not compile: what lies in dist/ is then not what is being tested
 */
export function programPath() {
  if (process.env[BUILD_FAILED] === '1') throw new Error('src/ does not compile, so that the program cannot be tested');
  return programFile;
}
/** Runs one command of the CLI to its end, such as `runParley(['migrate', '--status'], { cwd })`. */
export function runParley(args, options) {
  const environment = { PATH: process.env['PATH'] ?? '', HOME: options.cwd, ...options.env };
  const settings = {
    cwd: options.cwd,
    env: environment,
    timeout: options.timeoutMs ?? 30_000,
    killSignal: 'SIGKILL',
  };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [programPath(), ...args], settings, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode, stdout, stderr });
    });
  });
}
