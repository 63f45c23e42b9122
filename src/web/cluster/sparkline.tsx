/** A figure over the last two minutes, as a curve. */
import { decimal } from './figures.ts';
import { type Figure, type History, pointsOf, SHOWN_MS } from './rates.ts';
import { store } from './store.ts';
import { words } from './words.ts';

const WIDTH = 120;
const HEIGHT = 32;
/** So that a line at the top or bottom is not cut. */
const MARGIN = 2;

export interface SparklineProps {
  readonly figure: Figure;
  readonly name: string;
  readonly history: History | undefined;
}

export function Sparkline({ figure, name, history }: SparklineProps) {
  const points = pointsOf(history, figure);
  const most = Math.max(0, ...points.map(({ perSecond }) => perSecond));
  const endMs = store.answeredMs.value;
  const place = points.map(({ atMs, perSecond }) => {
    const x = WIDTH * (1 - (endMs - atMs) / SHOWN_MS);
    const y = HEIGHT - MARGIN - (most === 0 ? 0 : (perSecond / most) * (HEIGHT - 2 * MARGIN));
    return { x: x.toFixed(1), y: y.toFixed(1) };
  });
  const line = place.map(({ x, y }) => `${x},${y}`).join(' ');
  const [first] = place;
  const last = place.at(-1);
  return (
    <svg
      class="sparkline"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={words.curve(name, decimal(most))}
    >
      <line class="ground" x1="0" y1={HEIGHT - MARGIN} x2={WIDTH} y2={HEIGHT - MARGIN} />
      {first !== undefined && last !== undefined && (
        <>
          <polygon points={`${first.x},${HEIGHT} ${line} ${last.x},${HEIGHT}`} />
          <polyline points={line} />
        </>
      )}
    </svg>
  );
}
