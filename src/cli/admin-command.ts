/** What commands of the management API share: configuration, the way to its routes, and how errors are told. */
import type { Command } from 'commander';
import { type Environment, processEnvironment } from '../config/environment.ts';
import { loadConfig } from '../config/load.ts';
import { ConfigError, formatProblem } from '../config/problems.ts';
import { AppError } from '../protocol/errors.ts';
import type { AdminRoutes } from './admin-routes.ts';

export interface AdminCommandOptions {
  /** Default: the environment of this process. */
  readonly env?: Environment;
  /** Default: the working directory of this process. */
  readonly cwd?: string;
  /** Default: `process.exitCode = code`. */
  readonly setExitCode?: (code: number) => void;
  /** Milliseconds since 1970. Default: the machine's clock. */
  readonly now?: () => number;
}

export interface AdminFlags {
  readonly url?: string;
  readonly plainHttp?: boolean;
  readonly json?: boolean;
}

export const URL_OPTION = [
  '--url <url>',
  'address of the server (default: as configured; without one, the database itself)',
] as const;

export const PLAIN_HTTP_OPTION = [
  '--plain-http',
  'with --url: send the admin key to another machine over http, which anybody on the way can read',
] as const;

/** Runs `work`; what it returns is printed. Exit code 1, with the reason, when it was not done. */
export async function runAdminCommand(
  options: AdminCommandOptions,
  command: Command,
  flags: AdminFlags,
  work: (routes: AdminRoutes) => Promise<string>,
): Promise<void> {
  const setExitCode = options.setExitCode ?? ((code) => void (process.exitCode = code));
  const output = command.configureOutput();
  try {
    const config = loadConfig({ env: options.env ?? processEnvironment(), cwd: options.cwd ?? process.cwd() });
    const { openAdminRoutes } = await import('./admin-routes.ts');
    const routes = await openAdminRoutes(config, flags.url, flags.plainHttp === true);
    try {
      output.writeOut?.(await work(routes));
    } finally {
      await routes.close();
    }
  } catch (error) {
    if (error instanceof ConfigError)
      for (const problem of error.problems) output.writeErr?.(`${formatProblem(problem)}\n`);
    else if (error instanceof AppError) output.writeErr?.(`error: ${error.message}\n`);
    else throw error;
    setExitCode(1);
  }
}

export const toJson = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

/** Commands of one name, `parley NAME ...`, each with `--url` and `--json`. */
export function adminCommands(program: Command, name: string, description: string, options: AdminCommandOptions) {
  const group = program.command(name).description(description);
  return {
    add: (sub: string, what: string): Command =>
      group
        .command(sub)
        .description(what)
        .option(...URL_OPTION)
        .option(...PLAIN_HTTP_OPTION)
        .option('--json', 'print JSON'),
    run: (command: Command, flags: AdminFlags, work: (routes: AdminRoutes) => Promise<string>): Promise<void> =>
      runAdminCommand(options, command, flags, work),
    group,
  };
}
