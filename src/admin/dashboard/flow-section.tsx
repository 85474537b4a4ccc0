import { useEffect, useRef, useState } from 'preact/hooks';
import { BOX_HEIGHT, type FlowBox, FlowDrawing, type FlowPicture, type FlowPipe } from './flow.ts';
import { rate, share } from './format.ts';
import { traffic } from './store.ts';
import { useVisible } from './visible.ts';

const heads = ['Listeners', 'Routes', 'Pools', 'Backends'];
const FIRST_WIDTH = 1000;
const CHARACTER_WIDTH = 7.4;
const PADDING = 12;

/** The picture of where traffic goes now. */
export function FlowSection() {
  const [attach, visible] = useVisible<HTMLElement>();
  const place = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(FIRST_WIDTH);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(entry!.contentRect.width));
    observer.observe(place.current!);
    return () => observer.disconnect();
  }, []);
  const now = visible ? traffic.value : traffic.peek();
  if (now === undefined) return null;
  const picture = new FlowDrawing(now.listeners, now.pools).layOut(width);
  return (
    <section id="flow" class="card" ref={attach} aria-labelledby="flow-title">
      <h2 id="flow-title">Where traffic goes now</h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard. */}
      <section class="scroll" ref={place} aria-label="Picture of the traffic, scrolls sideways" tabIndex={0}>
        <Picture picture={picture} />
      </section>
      {picture.hidden > 0 && <p class="hint">{picture.hidden} more routes are in the list of listeners.</p>}
    </section>
  );
}

function Picture({ picture }: { picture: FlowPicture }) {
  const { width, height, boxWidth, columnStep, boxes, pipes } = picture;
  return (
    <svg
      class="flow"
      viewBox={`0 0 ${width} ${height}`}
      width={width}
      height={height}
      role="img"
      aria-label={inWords(pipes)}
    >
      {heads.map((head, n) => (
        <text key={head} class="number" x={n * columnStep} y="14">
          {head}
        </text>
      ))}
      <g class="pipes">
        {pipes.map((pipe) => (
          <Pipe key={pipe.key} pipe={pipe} boxWidth={boxWidth} />
        ))}
      </g>
      {boxes.map((box) => (
        <Box key={box.key} box={box} width={boxWidth} />
      ))}
    </svg>
  );
}

function Pipe({ pipe, boxWidth }: { pipe: FlowPipe; boxWidth: number }) {
  const { from, to, thickness, perSecond } = pipe;
  const [x1, y1, x2, y2] = [from.x + boxWidth, from.y + BOX_HEIGHT / 2, to.x, to.y + BOX_HEIGHT / 2];
  const middle = (x1 + x2) / 2;
  const path = `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`;
  return (
    <path
      d={path}
      class={perSecond > 0 ? `flows to-${to.kind} ${to.tone}` : 'still'}
      stroke-width={thickness.toFixed(1)}
    />
  );
}

function Box({ box, width }: { box: FlowBox; width: number }) {
  const { x, y, title, kind, tone, perSecond, ofPerSecond } = box;
  const part = ofPerSecond === undefined || ofPerSecond <= 0 ? '' : ` · ${share(perSecond, ofPerSecond)}`;
  return (
    <g class={`box ${kind} ${tone}`} transform={`translate(${x} ${y})`}>
      <title>{title}</title>
      <rect width={width} height={BOX_HEIGHT} rx="7" />
      <rect class="tone" width="4" height={BOX_HEIGHT - 14} x="5" y="7" rx="2" />
      <text x="16" y="16">
        {cut(title, width)}
      </text>
      <text x="16" y="30" class="number">
        {`${rate(perSecond)}/s${part}`}
      </text>
    </g>
  );
}

/** The beginning of a text, as far as there is room. */
function cut(text: string, width: number): string {
  const most = Math.floor((width - PADDING - 12) / CHARACTER_WIDTH);
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length <= most ? line : `${line.slice(0, most - 1)}…`;
}

/** The busiest pipes, for who does not see the picture; the figures of all are in the lists below. */
function inWords(pipes: readonly FlowPipe[]): string {
  const busy = pipes.filter(({ perSecond }) => perSecond > 0).sort((a, b) => b.perSecond - a.perSecond);
  if (busy.length === 0) return 'No traffic flows.';
  return busy
    .slice(0, 6)
    .map(
      ({ from, to, perSecond }) => `${from.kind} ${from.title} to ${to.kind} ${to.title}: ${rate(perSecond)} a second`,
    )
    .join('; ');
}
