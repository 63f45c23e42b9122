/** Faults of the configuration: all of them at once, each with its file and line. Exit code 78. */
export interface Fault {
  readonly file?: string | undefined;
  readonly line?: number | undefined;
  readonly message: string;
}

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly faults: readonly Fault[];

  constructor(faults: readonly Fault[]) {
    super(faults.map(sentence).join('\n'));
    this.faults = faults;
  }
}

function sentence({ file, line, message }: Fault): string {
  return file === undefined ? message : line === undefined ? `${file}: ${message}` : `${file}:${line}: ${message}`;
}

/** ", did you mean 'x'?" when one of the right names is near enough, else "". */
export function didYouMean(wrong: string, right: readonly string[]): string {
  const nearest = right.map(name => ({ name, distance: distance(wrong.toLowerCase(), name.toLowerCase()) })).sort((a, b) => a.distance - b.distance)[0];
  if (nearest === undefined || nearest.distance > Math.max(2, Math.floor(wrong.length / 3))) return '';
  return `, did you mean '${nearest.name}'?`;
}

/** Edit distance; a swap of neighbours counts once, because that is how people mistype. */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number): number => rows[i]?.[j] ?? 0;
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(at(i - 1, j) + 1, (row[j - 1] ?? 0) + 1, at(i - 1, j - 1) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, at(i - 2, j - 2) + 1);
      row.push(cost);
    }
    rows.push(row);
  }
  return at(a.length, b.length);
}
