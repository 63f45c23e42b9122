/** Asks how the cluster is, once a second while the page is seen, never twice at a time. */
import { ApiError, get } from '../shared/api.ts';
import type { Overview } from './wire.ts';

const EVERY_MS = 1_000;

export interface LinkHandlers {
  readonly answered: (overview: Overview) => void;
  /** The code of the error; 'no-connection' when nobody answers. */
  readonly failed: (code: string) => void;
}

/** Returns what ends it. */
export function watchCluster({ answered, failed }: LinkHandlers): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isAsking = false;
  const ending = new AbortController();
  const isOver = (): boolean => ending.signal.aborted;

  const ask = async (): Promise<void> => {
    if (isAsking || isOver() || document.hidden) return;
    clearTimeout(timer);
    isAsking = true;
    const sentMs = performance.now();
    try {
      const overview = await get<Overview>('/l/o/cluster');
      if (!isOver()) answered(overview);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (!isOver()) failed(error.code);
    } finally {
      isAsking = false;
      if (!isOver()) timer = setTimeout(() => void ask(), Math.max(0, EVERY_MS - (performance.now() - sentMs)));
    }
  };
  const lookAgain = (): void => void ask();

  document.addEventListener('visibilitychange', lookAgain);
  lookAgain();
  return () => {
    ending.abort();
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', lookAgain);
  };
}
