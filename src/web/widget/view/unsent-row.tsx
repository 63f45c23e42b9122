/** What is on its way to the server, or was refused by it. */
import { Clock, FileText, X } from 'lucide';
import { Icon } from '../../shared/icon.tsx';
import type { Unsent } from '../forms.ts';
import type { Upload } from '../uploads.ts';
import { useStore } from './context.ts';
import { QuoteBlock } from './quote-block.tsx';
import { LinkedText } from '../../shared/linked-text.tsx';

export function UnsentRow({ unsent }: { readonly unsent: Unsent }) {
  const { words, outbox } = useStore();
  const { id, text = '', quote, failure } = unsent;
  return (
    <li class="row own">
      <div class="row-body">
        <div class={failure === undefined ? 'bubble own is-pending' : 'bubble own is-failed'}>
          {quote !== undefined && <QuoteBlock quoted={quote} />}
          <p class="text" dir="auto">
            <LinkedText text={text} />
          </p>
          {failure === undefined && (
            <span class="meta">
              <span class="mark" role="img" aria-label={words.sending}>
                <Icon of={Clock} size="14px" />
              </span>
            </span>
          )}
        </div>
        {failure !== undefined && <Failure code={failure} onRetry={() => outbox.retry(id)} onDiscard={() => outbox.discard(id)} />}
      </div>
    </li>
  );
}

export function UploadRow({ upload }: { readonly upload: Upload }) {
  const { words, uploads } = useStore();
  const { id, file, progress, failure } = upload;
  return (
    <li class="row own">
      <div class="row-body">
        <div class={failure === undefined ? 'bubble own is-pending' : 'bubble own is-failed'}>
          <div class="file">
            <Icon of={FileText} size="24px" />
            <span class="file-name">{file.name}</span>
            {failure === undefined && (
              <button type="button" class="icon-button" aria-label={`${words.cancel}: ${file.name}`} onClick={() => uploads.cancel(id)}>
                <Icon of={X} />
              </button>
            )}
          </div>
          {failure === undefined && <progress aria-label={words.uploading(file.name)} max={1} value={progress} />}
        </div>
        {failure !== undefined && <Failure code={failure} onRetry={() => uploads.retry(id)} onDiscard={() => uploads.cancel(id)} />}
      </div>
    </li>
  );
}

function Failure({ code, onRetry, onDiscard }: { readonly code: string; readonly onRetry: () => void; readonly onDiscard: () => void }) {
  const { words } = useStore();
  return (
    <div class="failure">
      <p>
        <b>{words.notSent}.</b> {words.failure(code)}
      </p>
      <div class="buttons">
        <button type="button" class="button" onClick={onDiscard}>
          {words.discard}
        </button>
        <button type="button" class="button is-main" onClick={onRetry}>
          {words.retry}
        </button>
      </div>
    </div>
  );
}
