/** The address of a file, for pictures and downloads. */
import { useEffect, useState } from 'preact/hooks';
import { LINK_ROUND_MS, linkTo } from '../actions.ts';
import type { FileDescription } from '../wire.ts';
import { useStore } from './context.ts';

/** Signed for the page that is open now: another one after the next init, and when the time of this one comes. */
export function useLink(file: FileDescription, isThumbnail: boolean): string | undefined {
  const store = useStore();
  const [link, setLink] = useState<string>();
  const pageId = store.linkState.value === 'up' ? store.link.page?.pageId : undefined;
  useEffect(() => {
    let isWanted = true;
    const make = (): void =>
      void linkTo(store, file, isThumbnail).then(made => {
        if (isWanted && made !== undefined) setLink(made);
      });
    make();
    const timer = setInterval(make, LINK_ROUND_MS);
    return () => {
      isWanted = false;
      clearInterval(timer);
    };
  }, [file.guid, isThumbnail, pageId]);
  return link;
}
