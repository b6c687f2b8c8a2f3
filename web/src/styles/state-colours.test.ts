/** The colours of the states can be told apart by people with the common colour visions, and read, in both themes. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

type Triple = readonly [number, number, number];
type Matrix = readonly [Triple, Triple, Triple];

/** Simulations of full severity in linear sRGB (Machado, Oliveira and Fernandes 2009, table 1). */
const VISIONS: Readonly<Record<string, Matrix>> = {
  'usual vision': [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

/** Families: within one, the icon and the word tell. Grey has not begun or was stopped, red did not do it. */
const FAMILIES = [['submitted', 'canceled'], ['working'], ['input'], ['auth'], ['completed'], ['failed', 'rejected']];

/** Distance in OKLab. Two hundredths are seen where colours lie side by side; these have an icon and a word, too. */
const FLOOR = 0.035;
const AA = 4.5;

const css = readFileSync(fileURLToPath(new URL('tokens.css', import.meta.url)), 'utf8');

/** L, a, b of a token in a theme. */
function tokenOf(name: string, theme: 'light' | 'dark'): Triple {
  const colour = String.raw`oklch\(([\d.]+)% ([\d.]+) ([\d.]+)\)`;
  const found = new RegExp(`--color-${name}: light-dark\\(${colour}, ${colour}\\)`).exec(css);
  if (found === null) throw new Error(`There is no colour ${name} of both themes`);
  const [l = 0, c = 0, h = 0] = found.slice(theme === 'light' ? 1 : 4).map(Number);
  const angle = (h * Math.PI) / 180;
  return [l / 100, c * Math.cos(angle), c * Math.sin(angle)];
}

const times = (matrix: Matrix, [x, y, z]: Triple): Triple => {
  const [a, b, c] = matrix.map(([p, q, r]) => p * x + q * y + r * z);
  return [a ?? 0, b ?? 0, c ?? 0];
};

/** Ottosson's OKLab. */
function linearOf([l, a, b]: Triple): Triple {
  const roots: Triple = [
    l + 0.3963377774 * a + 0.2158037573 * b,
    l - 0.1055613458 * a - 0.0638541728 * b,
    l - 0.0894841775 * a - 1.291485548 * b,
  ];
  const cubes: Triple = [roots[0] ** 3, roots[1] ** 3, roots[2] ** 3];
  const matrix: Matrix = [
    [4.0767416621, -3.3077115913, 0.2309699292],
    [-1.2684380046, 2.6097574011, -0.3413193965],
    [-0.0041960863, -0.7034186147, 1.707614701],
  ];
  const [red, green, blue] = times(matrix, cubes);
  const inGamut = (value: number) => Math.min(1, Math.max(0, value));
  return [inGamut(red), inGamut(green), inGamut(blue)];
}

function labOf(linear: Triple): Triple {
  const matrix: Matrix = [
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
  ];
  const [long, middle, short] = times(matrix, linear);
  const roots: Triple = [Math.cbrt(long), Math.cbrt(middle), Math.cbrt(short)];
  const toLab: Matrix = [
    [0.2104542553, 0.793617785, -0.0040720468],
    [1.9779984951, -2.428592205, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.808675766],
  ];
  return times(toLab, roots);
}

const seen = (name: string, theme: 'light' | 'dark', vision: Matrix): Triple =>
  labOf(times(vision, linearOf(tokenOf(name, theme))));

const luminance = ([red, green, blue]: Triple) => 0.2126 * red + 0.7152 * green + 0.0722 * blue;

function contrast(one: Triple, other: Triple): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

const THEMES = ['light', 'dark'] as const;
const states = FAMILIES.flat();

describe.each(THEMES)('in the %s theme', (theme) => {
  it.each(Object.entries(VISIONS))('[U3] states of different meaning are told apart by %s', (_vision, matrix) => {
    const close: string[] = [];
    for (const [index, family] of FAMILIES.entries()) {
      for (const others of FAMILIES.slice(index + 1)) {
        for (const one of family) {
          for (const other of others) {
            const [a, b] = [seen(one, theme, matrix), seen(other, theme, matrix)];
            const distance = Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
            if (distance < FLOOR) close.push(`${one} and ${other}: ${distance.toFixed(3)}`);
          }
        }
      }
    }
    expect(close).toEqual([]);
  });

  it.each(states)('[U3] %s can be read on every ground that it stands on', (state) => {
    for (const ground of ['bg', 'raised', 'hover', 'selected', 'sunk']) {
      const ratio = contrast(linearOf(tokenOf(state, theme)), linearOf(tokenOf(ground, theme)));
      expect([ground, ratio >= AA]).toEqual([ground, true]);
    }
  });
});
