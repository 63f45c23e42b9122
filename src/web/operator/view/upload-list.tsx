/** Files on their way up, above the composer. */
import { RotateCcw, X } from 'lucide';
import { Icon } from '../../shared/icon.tsx';
import { useStore } from '../store.ts';
import { tooLargeText, type Upload } from '../uploads.ts';
import { explain, fill, words } from '../words.ts';

export function UploadList({ chatId }: { readonly chatId: number }) {
  const store = useStore();
  const uploads = store.uploads.items.value.filter(upload => upload.chatId === chatId);
  if (uploads.length === 0) return null;
  return (
    <ul class="uploads">
      {uploads.map(upload => (
        <UploadRow key={upload.clientSideId} upload={upload} />
      ))}
    </ul>
  );
}

function UploadRow({ upload }: { readonly upload: Upload }) {
  const store = useStore();
  const { clientSideId, kind, file, progress, failure, isTooLarge } = upload;
  const why = isTooLarge ? tooLargeText(store.state.value.limits.maxFileSize) : failure === null ? undefined : explain(failure);
  return (
    <li class={kind === 'for_operator' ? 'note' : ''}>
      <span class="upload-name">
        {file.name}
        {kind === 'for_operator' && <span class="note-label"> · {words.note}</span>}
      </span>
      {why === undefined ? (
        <progress value={progress} aria-label={fill(words.uploading, { name: file.name })} />
      ) : (
        <span class="failed" role="alert">
          {why}
        </span>
      )}
      {failure !== null && (
        <button type="button" class="quiet" aria-label={words.retry} title={words.retry} onClick={() => store.uploads.sendAgain(upload)}>
          <Icon of={RotateCcw} size="1rem" />
        </button>
      )}
      <button type="button" class="quiet" aria-label={words.remove} title={words.remove} onClick={() => store.uploads.remove(clientSideId)}>
        <Icon of={X} size="1rem" />
      </button>
    </li>
  );
}
