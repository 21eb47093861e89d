/** Colours for the painter: those that the prompt names, filled up with draws from the seed. */
import type { Random } from "../../random.ts";

export type Colour = readonly [red: number, green: number, blue: number];

const NAMED: Readonly<Record<string, Colour>> = {
  teal: [0, 128, 128],
  amber: [255, 176, 32],
  earth: [139, 108, 78],
  charcoal: [45, 48, 54],
  lime: [170, 220, 60],
  cream: [247, 240, 222],
  forest: [34, 86, 52],
  green: [66, 140, 80],
  blue: [38, 84, 170],
  coral: [255, 120, 98],
  monochrome: [120, 120, 124],
  golden: [240, 190, 80],
  gold: [230, 180, 70],
  morning: [252, 224, 180],
  warm: [232, 150, 90],
  cool: [120, 160, 190],
  winter: [190, 208, 224],
  violet: [120, 80, 190],
  red: [200, 54, 52],
  orange: [240, 140, 50],
  yellow: [245, 214, 80],
  pink: [240, 150, 180],
  purple: [110, 60, 150],
  black: [18, 18, 22],
  white: [250, 250, 250],
  silver: [192, 196, 202],
  neon: [60, 240, 180],
  night: [20, 26, 58],
  oak: [176, 132, 84],
  slate: [88, 98, 110],
};
const WANTED = 5;

/** Five colours, the prompt's own first. */
export function paletteOf(prompt: string, random: Random): readonly Colour[] {
  const words = prompt.toLowerCase().match(/[a-z]+/gu) ?? [];
  const named = [...new Set(words)].flatMap((word) => {
    const colour = NAMED[word];
    return colour === undefined ? [] : [colour];
  });
  const drawn = Array.from(
    { length: WANTED },
    (): Colour => [channel(random), channel(random), channel(random)],
  );
  return [...named, ...drawn].slice(0, WANTED);
}

function channel(random: Random): number {
  return Math.floor(40 + random() * 200);
}
