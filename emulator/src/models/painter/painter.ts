/**
 * Paints an abstract picture: a compositional pattern network with random weights, seeded by the prompt, coloured
 * with the prompt's palette. It is not trained and knows nothing of what it paints. Source: K. O. Stanley,
 * Compositional pattern producing networks, 2007.
 */
import type { Pixels } from "../../images/png.ts";
import { seededRandom, seedOf, type Random } from "../../random.ts";
import { paletteOf, type Colour } from "./palette.ts";

export interface PaintOptions {
  readonly prompt: string;
  /** Another seed, another picture of the same prompt. */
  readonly seed?: number | undefined;
  /** `width:height`; default 1:1. */
  readonly aspectRatio?: string | undefined;
}

/** Area of every picture: 384 x 384, about half a second. */
const AREA_PIXELS = 384 * 384;
const HIDDEN = 14;
const DEPTH = 3;
const INPUTS = 5;

/** The same options give the same pixels. */
export function paint({ prompt, seed, aspectRatio = "1:1" }: PaintOptions): Pixels {
  const random = seededRandom(seedOf(`${prompt} ${seed ?? "unseeded"}`));
  const { width, height } = sizeOf(aspectRatio);
  const palette = paletteOf(prompt, random);
  const layers = makeLayers(random);
  const zoom = 1.2 + random() * 1.6;
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const across = (x / width - 0.5) * zoom * (width / height);
      const down = (y / height - 0.5) * zoom;
      rgb.set(blend(evaluate(layers, across, down), palette), (y * width + x) * 3);
    }
  }
  return { width, height, rgb };
}

function sizeOf(aspectRatio: string): { readonly width: number; readonly height: number } {
  const [across = 1, down = 1] = aspectRatio.split(":").map(Number);
  const unit = Math.sqrt(AREA_PIXELS / (across * down));
  return { width: Math.round(across * unit), height: Math.round(down * unit) };
}

function makeLayers(random: Random): readonly Float32Array[] {
  const sizes = [INPUTS, ...Array.from({ length: DEPTH }, () => HIDDEN), 3];
  return sizes.slice(1).map((outputs, index) => {
    const inputs = sizes[index] ?? INPUTS;
    return new Float32Array(inputs * outputs).map(
      () => (gaussian(random) * 1.9) / Math.sqrt(inputs / 2),
    );
  });
}

/** Three values in (-1, 1) for a place in the picture. */
function evaluate(layers: readonly Float32Array[], across: number, down: number): Float32Array {
  const radius = Math.hypot(across, down);
  let values = new Float32Array([across, down, radius, Math.sin(radius * 4), 1]);
  for (const weights of layers) {
    const next = new Float32Array(weights.length / values.length);
    for (let to = 0; to < next.length; to += 1) {
      let sum = 0;
      for (let from = 0; from < values.length; from += 1)
        sum += (values[from] ?? 0) * (weights[to * values.length + from] ?? 0);
      next[to] = Math.tanh(sum);
    }
    values = next;
  }
  return values;
}

/** First value: where on the palette; second: how light; third: how much of the first colour shines through. */
function blend(
  [where = 0, light = 0, accent = 0]: Float32Array,
  palette: readonly Colour[],
): Colour {
  const position = ((where + 1) / 2) * (palette.length - 1);
  const left = Math.min(Math.floor(position), palette.length - 2);
  const base = palette[left] ?? [0, 0, 0];
  const other = palette[left + 1] ?? base;
  const glow = palette[0] ?? base;
  const share = position - left;
  const shine = Math.max(0, accent) * 0.35;
  const channel = (index: 0 | 1 | 2): number => {
    const mixed = base[index] * (1 - share) + other[index] * share;
    return Math.round(
      Math.min(255, (mixed * (1 - shine) + glow[index] * shine) * (0.88 + light * 0.2)),
    );
  };
  return [channel(0), channel(1), channel(2)];
}

/** Box-Muller. */
function gaussian(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
