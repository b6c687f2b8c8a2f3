/** The compiled program, run as users run it. */
import { execFile } from 'node:child_process';
import { programFile } from '../../scripts/build.mjs';

/** Set by build-setup.ts. */
export const BUILD_FAILED = 'PARLEY_TEST_BUILD_FAILED';

/**
 * Path of the program's entry point, for `node PATH serve`.
 * @throws Error when src/ does not compile: what lies in dist/ is then not what is being tested
 */
export function programPath(): string {
  if (process.env[BUILD_FAILED] === '1') throw new Error('src/ does not compile, so that the program cannot be tested');
  return programFile;
}

export interface RunResult {
  /** Null when it was killed (a signal, or the time limit). */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd: string;
  /** The whole environment besides PATH: nothing of the test's own gets through. */
  readonly env?: Readonly<Record<string, string>>;
  /** SIGKILL after so many milliseconds; default 30,000. */
  readonly timeoutMs?: number;
}

/** Runs one command of the CLI to its end, such as `runParley(['migrate', '--status'], { cwd })`. */
export function runParley(args: readonly string[], options: RunOptions): Promise<RunResult> {
  const environment = { PATH: process.env['PATH'] ?? '', HOME: options.cwd, ...options.env };
  const settings = {
    cwd: options.cwd,
    env: environment,
    timeout: options.timeoutMs ?? 30_000,
    killSignal: 'SIGKILL',
  } as const;
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [programPath(), ...args], settings, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode, stdout, stderr });
    });
  });
}
