export interface Rgb {
  red: number;
  green: number;
  blue: number;
}

export interface Hsl {
  hue: number;
  saturation: number;
  lightness: number;
}

/** Reads a six-digit hexadecimal notation with or without the leading sharp sign. */
export function parseHex(text: string): Rgb {
  const digits = text.startsWith('#') ? text.slice(1) : text;
  if (!/^[0-9a-f]{6}$/i.test(digits)) {
    throw new RangeError(`not a color: ${text}`);
  }
  const value = parseInt(digits, 16);
  return { red: value >> 16, green: (value >> 8) & 255, blue: value & 255 };
}

/** Writes the three channels as lower-case hexadecimal digits for a style sheet. */
export function formatHex(color: Rgb): string {
  const channels = [color.red, color.green, color.blue];
  const digits = channels.map((c) => Math.round(c).toString(16).padStart(2, '0'));
  return '#' + digits.join('');
}

/** Measures how bright a person perceives a color, from 0 for black to 1 for white. */
export function luminance(color: Rgb): number {
  const linear = [color.red, color.green, color.blue].map((c) => {
    const s = c / 255;
    return s <= 0.03928 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
}

/** Compares text and background as the accessibility guidelines do; above 4.5 is readable. */
export function contrast(a: Rgb, b: Rgb): number {
  const lighter = Math.max(luminance(a), luminance(b));
  const darker = Math.min(luminance(a), luminance(b));
  return (lighter + 0.05) / (darker + 0.05);
}

/** Blends two colors; a share of 0 gives the first and 1 the second. */
export function mix(a: Rgb, b: Rgb, share: number): Rgb {
  const part = Math.min(1, Math.max(0, share));
  const blend = (x: number, y: number) => x + (y - x) * part;
  return { red: blend(a.red, b.red), green: blend(a.green, b.green), blue: blend(a.blue, b.blue) };
}

/** Converts channels into an angle on the wheel, purity and brightness. */
export function toHsl(color: Rgb): Hsl {
  const [r, g, b] = [color.red / 255, color.green / 255, color.blue / 255];
  const high = Math.max(r, g, b);
  const low = Math.min(r, g, b);
  const lightness = (high + low) / 2;
  if (high === low) {
    return { hue: 0, saturation: 0, lightness };
  }
  const range = high - low;
  const saturation = range / (1 - Math.abs(2 * lightness - 1));
  let hue = (r - g) / range + 4;
  if (high === r) {
    hue = ((g - b) / range + 6) % 6;
  } else if (high === g) {
    hue = (b - r) / range + 2;
  }
  return { hue: hue * 60, saturation, lightness };
}
