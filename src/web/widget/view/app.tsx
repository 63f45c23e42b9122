/** The whole widget: the launcher, and the panel while it is open. */
import { useEffect, useRef } from 'preact/hooks';
import { closePanel, openPanel } from '../actions.ts';
import type { Store } from '../store.ts';
import { StoreContext } from './context.ts';
import { Launcher } from './launcher.tsx';
import { LiveRegion } from './live-region.tsx';
import { Panel } from './panel.tsx';

export function App({ store }: { readonly store: Store }) {
  const launcher = useRef<HTMLButtonElement>(null);
  /** Opened by hand: only then the focus follows. */
  const isByHand = useRef(false);
  const isOpen = store.isOpen.value;

  const toggle = (): void => {
    isByHand.current = true;
    if (isOpen) closePanel(store);
    else openPanel(store);
  };
  useEffect(() => {
    if (!isOpen && isByHand.current) launcher.current?.focus();
    isByHand.current = false;
  }, [isOpen]);

  return (
    <StoreContext.Provider value={store}>
      {isOpen ? <Panel takesFocus={isByHand.current} onClose={toggle} /> : <LiveRegion />}
      <Launcher ref={launcher} onClick={toggle} />
    </StoreContext.Provider>
  );
}
