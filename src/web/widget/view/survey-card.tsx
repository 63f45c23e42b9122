/** The questions of a survey, one after the other. */
import { useSignal } from '@preact/signals';
import { answerSurvey, cancelSurvey } from '../actions.ts';
import type { Question, Survey } from '../wire.ts';
import { useStore } from './context.ts';
import { Stars } from './stars.tsx';

export function SurveyCard({ survey }: { readonly survey: Survey }) {
  const { form_id, question_id } = survey.current_question;
  const question = survey.config.descriptor.forms.find(({ id }) => id === form_id)?.questions[question_id];
  return question === undefined ? null : <QuestionForm key={`${form_id} ${question_id}`} question={question} />;
}

function QuestionForm({ question }: { readonly question: Question }) {
  const store = useStore();
  const { words } = store;
  const answer = useSignal('');
  return (
    <form
      class="card"
      onSubmit={event => {
        event.preventDefault();
        void answerSurvey(store, answer.value.trim());
      }}
    >
      {question.type === 'stars' && (
        <Stars label={question.text} value={Number(answer.value)} onChange={count => (answer.value = String(count))} />
      )}
      {question.type === 'radio' && (
        <fieldset class="choices">
          <legend>{question.text}</legend>
          {question.options?.map((option, index) => (
            <label key={option}>
              <input type="radio" name="choice" onChange={() => (answer.value = String(index + 1))} />
              {option}
            </label>
          ))}
        </fieldset>
      )}
      {question.type === 'comment' && (
        <label class="field">
          <span>{question.text}</span>
          <textarea rows={3} maxLength={2_000} value={answer.value} onInput={event => (answer.value = event.currentTarget.value)} />
        </label>
      )}
      <div class="buttons">
        <button type="button" class="button" onClick={() => void cancelSurvey(store)}>
          {words.skip}
        </button>
        <button class="button is-main" disabled={answer.value.trim() === ''}>
          {words.next}
        </button>
      </div>
    </form>
  );
}
