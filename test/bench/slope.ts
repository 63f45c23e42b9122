/** Growth over time: the slope of the least-squares line. */

export interface Point {
  readonly minute: number;
  readonly value: number;
}

export function slopePerHour(points: readonly Point[]): number {
  if (points.length < 2) return Number.NaN;
  const mean = (of: (point: Point) => number): number => points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [meanMinute, meanValue] = [mean(({ minute }) => minute), mean(({ value }) => value)];
  const covariance = mean(({ minute, value }) => (minute - meanMinute) * (value - meanValue));
  const variance = mean(({ minute }) => (minute - meanMinute) ** 2);
  return Number(((covariance / variance) * 60).toPrecision(3));
}
