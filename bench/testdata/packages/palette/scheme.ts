import { contrast, formatHex, mix, parseHex, Rgb } from './color';

export type Scheme = Map<string, Rgb>;

/** Makes a row of evenly spaced steps from one end to the other, both ends included. */
export function ramp(from: Rgb, to: Rgb, steps: number): Rgb[] {
  const row: Rgb[] = [];
  for (let i = 0; i < steps; i++) {
    row.push(mix(from, to, steps === 1 ? 0 : i / (steps - 1)));
  }
  return row;
}

/** Chooses black or white ink, whichever can be read better on the given ground. */
export function inkFor(ground: Rgb): Rgb {
  const black = parseHex('#000000');
  const white = parseHex('#ffffff');
  return contrast(ground, black) >= contrast(ground, white) ? black : white;
}

/** Lists the named pairs of a scheme that would fail an accessibility review. */
export function unreadable(scheme: Scheme, least = 4.5): [string, string][] {
  const names = [...scheme.keys()].sort();
  const found: [string, string][] = [];
  for (const a of names) {
    for (const b of names) {
      if (a < b && contrast(scheme.get(a)!, scheme.get(b)!) < least) {
        found.push([a, b]);
      }
    }
  }
  return found;
}

/** Turns a scheme into custom properties that a browser understands. */
export function toCss(scheme: Scheme, selector = ':root'): string {
  const lines = [`${selector} {`];
  for (const [name, color] of scheme) {
    lines.push(`  --${name}: ${formatHex(color)};`);
  }
  lines.push('}');
  return lines.join('\n');
}

/** Finds the entry nearest to a wanted color by distance in the color cube. */
export function nearest(scheme: Scheme, wanted: Rgb): string | undefined {
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const [name, color] of scheme) {
    const distance =
      (color.red - wanted.red) ** 2 + (color.green - wanted.green) ** 2 + (color.blue - wanted.blue) ** 2;
    if (distance < bestDistance) {
      best = name;
      bestDistance = distance;
    }
  }
  return best;
}

/** Reads a scheme from lines of the form name = #rrggbb and complains with the line number. */
export function parseScheme(text: string): Scheme {
  const scheme: Scheme = new Map();
  text.split('\n').forEach((line, index) => {
    const match = /^\s*([\w-]+)\s*=\s*(#[0-9a-fA-F]{6})\s*$/.exec(line);
    if (match) {
      scheme.set(match[1], parseHex(match[2]));
    } else if (line.trim() !== '') {
      throw new SyntaxError(`line ${index + 1}: ${line}`);
    }
  });
  return scheme;
}
