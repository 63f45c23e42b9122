/** The keys of the desk. */
import { KEYS } from '../shortcuts.ts';
import { words } from '../words.ts';
import { Dialog } from './dialog.tsx';

export function HelpDialog({ onClose }: { readonly onClose: () => void }) {
  return (
    <Dialog title={words.help} onClose={onClose}>
      <dl class="keys">
        {KEYS.map(([name, keys]) => (
          <div key={name}>
            <dt>
              {keys.map(key => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{words.keys[name]}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
