/** Reads parley.yaml into settings with their positions. Unknown keys, and sections that are none, are problems. */
import { createRequire } from 'node:module';
import type * as Yaml from 'yaml';
import { type ConfigProblem, closest } from './problems.ts';
import { KEYS } from './schema.ts';
import { LAYER, type Position, type Setting } from './settings.ts';

/** Loaded when there is a file only: a start without one is some 20 ms faster. */
const loadYaml = () => createRequire(import.meta.url)('yaml') as typeof Yaml;

const KEY_BY_PATH = new Map(KEYS.map((key) => [key.path, key]));

const SECTIONS = new Set(
  KEYS.flatMap(({ path }) => {
    const names = path.split('.').slice(0, -1);
    return names.map((_, index) => names.slice(0, index + 1).join('.'));
  }),
);

export interface YamlResult {
  readonly settings: Setting[];
  readonly problems: ConfigProblem[];
}

/** `file` is the name that problems and sources show. Keys without a value count as not set. */
export function readYaml(text: string, file: string): YamlResult {
  const yaml = loadYaml();
  const lineCounter = new yaml.LineCounter();
  const document = yaml.parseDocument(text, { lineCounter, prettyErrors: false });
  const settings: Setting[] = [];
  const problems: ConfigProblem[] = [];

  const positionAt = (offset: number | undefined): Position => {
    const { line, col } = lineCounter.linePos(offset ?? 0);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const positionOf = (node: unknown): Position => positionAt(yaml.isNode(node) ? node.range?.[0] : undefined);
  const resolveAlias = (node: unknown): unknown => (yaml.isAlias(node) ? node.resolve(document) : node);
  const report = (position: Position, message: string, key?: string) => {
    problems.push({ ...(key === undefined ? {} : { key }), file, ...position, message });
  };

  for (const error of [...document.errors, ...document.warnings]) {
    report(positionAt(error.pos[0]), `is not valid YAML: ${error.message.split('\n')[0]}`);
  }
  if (document.errors.length > 0) return { settings, problems };

  const readSection = (node: unknown, prefix: string) => {
    const section = resolveAlias(node);
    if (isEmpty(section)) return;
    if (!yaml.isMap(section)) {
      if (prefix === '') report(positionOf(node), 'must be a mapping of keys');
      else report(positionOf(node), 'is a section and must hold keys of its own', prefix);
      return;
    }
    for (const { key, value } of section.items) {
      const name = yaml.isScalar(key) ? String(key.value) : String(key);
      const path = prefix === '' ? name : `${prefix}.${name}`;
      if (SECTIONS.has(path)) readSection(value, path);
      else if (KEY_BY_PATH.has(path)) readValue(value, path, positionOf(key));
      else report(positionOf(key), unknownKeyMessage(path), path);
    }
  };

  const readValue = (node: unknown, path: string, keyPosition: Position) => {
    const value = resolveAlias(node);
    if (isEmpty(value)) return;
    const position = yaml.isNode(node) ? positionOf(node) : keyPosition;
    settings.push({
      key: path,
      value: plainValue(value),
      layer: LAYER.file,
      source: `${file}:${position.line}`,
      file,
      position,
      ...(yaml.isSeq(value) ? { itemPositions: value.items.map(positionOf) } : {}),
    });
  };

  const isEmpty = (node: unknown) =>
    node === null || node === undefined || (yaml.isScalar(node) && node.value === null);

  const plainValue = (node: unknown): unknown => {
    const value = resolveAlias(node);
    // Only plain integers count as numbers; of others (1e3, 0x10, 8080.0) the text is kept, for the message.
    if (yaml.isScalar(value)) {
      return typeof value.value === 'number' && !/^-?(0|[1-9]\d*)$/.test(value.source ?? '')
        ? value.source
        : value.value;
    }
    if (yaml.isSeq(value)) return value.items.map((item) => scalarOf(resolveAlias(item)));
    return {};
  };
  const scalarOf = (node: unknown): unknown => (yaml.isScalar(node) ? node.value : {});

  readSection(document.contents, '');
  return { settings, problems };
}

function unknownKeyMessage(path: string): string {
  const suggestion = suggestKey(path);
  return `is no known key${suggestion === undefined ? '' : `; did you mean ${JSON.stringify(suggestion)}?`}`;
}

/** A key of the same section, else the same name in another section, else whatever path is near. */
function suggestKey(path: string): string | undefined {
  const parent = path.split('.').slice(0, -1).join('.');
  const name = path.slice(parent === '' ? 0 : parent.length + 1);
  const paths = [...SECTIONS, ...KEY_BY_PATH.keys()];
  const lastName = (candidate: string) => candidate.slice(candidate.lastIndexOf('.') + 1);
  const siblings = paths.filter(
    (candidate) => candidate.slice(0, -lastName(candidate).length).replace(/\.$/, '') === parent,
  );
  const sibling = closest(name, siblings.map(lastName));
  if (sibling !== undefined) return parent === '' ? sibling : `${parent}.${sibling}`;
  return paths.find((candidate) => lastName(candidate) === name) ?? closest(path, paths);
}
