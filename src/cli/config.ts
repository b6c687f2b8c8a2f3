/** `parley config` and `parley config check`: what is in force, where each value came from, and what is wrong. */
import type { Command } from 'commander';
import { type Environment, processEnvironment } from '../config/environment.ts';
import { type Config, loadConfig } from '../config/load.ts';
import { shownSettings } from '../config/mask.ts';
import { ConfigError, formatProblem } from '../config/problems.ts';

export interface ConfigCommandOptions {
  /** Default: the environment of this process. */
  readonly env?: Environment;
  /** Default: the working directory of this process. */
  readonly cwd?: string;
  /** Default: `process.exitCode = code`. */
  readonly setExitCode?: (code: number) => void;
}

/** Output goes where the program's `configureOutput` says. Exit code 1 when the configuration has a problem. */
export function registerConfigCommands(program: Command, options: ConfigCommandOptions = {}): void {
  const setExitCode = options.setExitCode ?? ((code) => void (process.exitCode = code));
  const load = (command: Command): Config | undefined => {
    try {
      return loadConfig({ env: options.env ?? processEnvironment(), cwd: options.cwd ?? process.cwd() });
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      for (const problem of error.problems) command.configureOutput().writeErr?.(`${formatProblem(problem)}\n`);
      setExitCode(1);
      return undefined;
    }
  };

  const config = program
    .command('config')
    .description('print the effective configuration, secrets masked, with the source of each value')
    .option('--json', 'as JSON')
    .action((flags: { json?: boolean }, command: Command) => {
      const loaded = load(command);
      if (loaded === undefined) return;
      command.configureOutput().writeOut?.(flags.json === true ? renderJson(loaded) : renderYaml(loaded));
    });

  config
    .command('check')
    .description('check the configuration: prints each problem and exits with 1, or says that there is none')
    .action((_flags: object, command: Command) => {
      const loaded = load(command);
      if (loaded === undefined) return;
      command.configureOutput().writeOut?.(`configuration is valid (${fileText(loaded)})\n`);
    });
}

const fileText = ({ configFile }: Config) =>
  configFile ?? 'no configuration file: defaults, and the environment with .env';

function renderJson(config: Config): string {
  const values: Record<string, unknown> = {};
  for (const { path, value } of shownSettings(config)) {
    const names = path.split('.');
    let section = values;
    for (const name of names.slice(0, -1)) section = (section[name] ??= {}) as Record<string, unknown>;
    section[names.at(-1) ?? path] = value ?? null;
  }
  return `${JSON.stringify({ configFile: config.configFile ?? null, config: values, sources: config.sources }, null, 2)}\n`;
}

function renderYaml(config: Config): string {
  const lines = [`# ${fileText(config)}`];
  let open: readonly string[] = [];
  for (const { path, value, source } of shownSettings(config)) {
    const names = path.split('.');
    const sections = names.slice(0, -1);
    const shared = sections.findIndex((name, index) => name !== open[index]);
    for (let depth = shared === -1 ? sections.length : shared; depth < sections.length; depth++) {
      lines.push(`${'  '.repeat(depth)}${sections[depth]}:`);
    }
    open = sections;
    const key = `${'  '.repeat(sections.length)}${names.at(-1)}:`;
    lines.push(value === undefined ? `${key} # not set` : `${key} ${scalar(value)} # ${source}`);
  }
  return `${lines.join('\n')}\n`;
}

/** Text that YAML could take for something else is quoted as JSON, which is YAML too. */
function scalar(value: unknown): string {
  if (typeof value !== 'string') return Array.isArray(value) ? `[${value.map(scalar).join(', ')}]` : String(value);
  const isPlain =
    /^[A-Za-z/][\w./-]*(:\/\/[\w./:-]*\w)?$/.test(value) && !/^(true|false|null|yes|no|on|off|y|n)$/i.test(value);
  return isPlain ? value : JSON.stringify(value);
}
