/** The address of a file, for pictures and downloads. */
import { useEffect, useState } from 'preact/hooks';
import { linkTo } from '../actions.ts';
import type { FileDescription } from '../wire.ts';
import { useStore } from './context.ts';

/** Signed for the page that is open now: another one after the next init. */
export function useLink(file: FileDescription, isThumbnail: boolean): string | undefined {
  const store = useStore();
  const [link, setLink] = useState<string>();
  const pageId = store.linkState.value === 'up' ? store.link.page?.pageId : undefined;
  useEffect(() => {
    let isWanted = true;
    void linkTo(store, file, isThumbnail).then(made => {
      if (isWanted && made !== undefined) setLink(made);
    });
    return () => {
      isWanted = false;
    };
  }, [file.guid, isThumbnail, pageId]);
  return link;
}
