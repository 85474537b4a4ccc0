import { clockTime } from './format.ts';
import { link } from './link.ts';

/** Says that Fairlead is gone for as long as it is. */
export function Banner({ onRetry }: { onRetry: () => void }) {
  const state = link.value;
  return (
    <div role="alert">
      {state.kind === 'lost' && (
        <div class="banner">
          <strong>Fairlead is gone since {clockTime(state.since)}:</strong> {state.reason}. What you see is from before;
          the page goes on trying.
          <button type="button" onClick={onRetry}>
            Try now
          </button>
        </div>
      )}
    </div>
  );
}
