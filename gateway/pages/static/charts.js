// <power-chart src="/api/v1/..." fields="..." ...>: a graph of one of the API's histories, drawn by uPlot.
//   src      an address that answers {"items": [{"time": ..., FIELD: number or [3] or null}]}
//   series   JSON: [{"field": "measured_amps", "phase": 0, "label": "L1", "colour": "--phase-1", "dash": true, "scale": 0.001}]
//            one with "apart", three times its other label and colour, is a line for each phase where the phases differ
//   moves    the `from` of src goes on with the clock: a tab that is left open shows the last hours, not more and more
//   unit     written at the axis;  every  seconds between two looks (0: once);  empty  what is said when there is nothing
// Colours come from the style sheet, so that light and dark are both legible.
(() => {
  "use strict";

  const LEAST_DIFFERENCE = 0.05;

  class PowerChart extends HTMLElement {
    connectedCallback() {
      this.began ??= Date.now();
      this.series = JSON.parse(this.getAttribute("series"));
      const fold = this.closest("details:not([open])"); // what nobody looks at is not asked for
      if (fold) fold.addEventListener("toggle", () => this.load(), { once: true }); else this.load();
      const every = Number(this.getAttribute("every") || 0);
      if (every) this.timer = setInterval(() => { if (!document.hidden) this.load(); }, every * 1000);
      this.resizing = new ResizeObserver(() => this.fit());
      this.resizing.observe(this);
      this.scheme = matchMedia("(prefers-color-scheme: dark)");
      this.redraw = () => this.draw();
      this.scheme.addEventListener("change", this.redraw);
    }

    disconnectedCallback() {
      clearInterval(this.timer);
      this.resizing?.disconnect();
      this.scheme?.removeEventListener("change", this.redraw);
      this.chart?.destroy();
      this.chart = undefined;
    }

    address() {
      const address = new URL(this.getAttribute("src"), location.href);
      const from = Date.parse(address.searchParams.get("from"));
      if (!this.hasAttribute("moves") || !from) return address.href;
      const passed = Math.floor((Date.now() - this.began) / 60000) * 60000;
      address.searchParams.set("from", new Date(from + passed).toISOString().replace(".000Z", "Z"));
      return address.href;
    }

    // what is the same on all phases is one line, so that the chart stays calm; less than what can be read is no difference
    lines(items) {
      const differ = (amps) => Array.isArray(amps) && amps.some((each) => Math.abs((each ?? 0) - (amps[0] ?? 0)) >= LEAST_DIFFERENCE);
      return this.series.flatMap((one) => {
        if (!one.apart || !items.some((item) => differ(item[one.field]))) return [one];
        return one.apart.map((own, phase) => ({ ...one, ...own, phase }));
      });
    }

    async load() {
      try {
        const answer = await fetch(this.address(), { headers: { Accept: "application/json" } });
        if (!answer.ok) throw new Error(String(answer.status));
        const items = (await answer.json()).items;
        const value = (item, one) => {
          const found = item[one.field];
          const number = Array.isArray(found) ? found[one.phase ?? 0] : found;
          return number === null || number === undefined ? null : number * (one.scale ?? 1);
        };
        const lines = this.lines(items);
        const same = lines.length === this.drawn?.length && lines.every((one, number) => one.label === this.drawn[number].label);
        this.drawn = lines;
        this.data = [items.map((item) => Date.parse(item.time) / 1000), ...lines.map((one) => items.map((item) => value(item, one)))];
        if (this.chart && same) this.chart.setData(this.data); else this.draw();
      } catch {
        if (!this.chart) this.say(this.getAttribute("failed") || "–");
      }
    }

    say(text) {
      const line = document.createElement("p");
      line.className = "empty";
      line.textContent = text;
      this.setAttribute("role", "group"); // of a picture nobody would be read the words
      this.replaceChildren(line);
    }

    fit() {
      if (this.chart && this.clientWidth) this.chart.setSize({ width: this.clientWidth, height: this.height() });
    }

    height() { return Number(this.getAttribute("height") || 220); }

    draw() {
      if (!this.data) return;
      this.chart?.destroy();
      this.chart = undefined;
      if (!this.data[0].length || !this.data.slice(1).some((values) => values.some((value) => value !== null))) {
        this.say(this.getAttribute("empty") || "–");
        return;
      }
      this.replaceChildren();
      this.setAttribute("role", "img");
      const style = getComputedStyle(this);
      const ink = (name) => {
        const probe = document.createElement("span");
        probe.style.color = `var(${name})`;
        this.append(probe);
        const colour = getComputedStyle(probe).color;
        probe.remove();
        return colour;
      };
      const language = document.documentElement.dataset.locale || document.documentElement.lang;
      const zone = this.getAttribute("zone") || undefined;
      const number = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
      const clock = { hour: "2-digit", minute: "2-digit", timeZone: zone };
      const hour = new Intl.DateTimeFormat(language, clock);
      const second = new Intl.DateTimeFormat(language, { ...clock, second: "2-digit" });
      const day = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", timeZone: zone });
      const isMidnight = (at) => new Date(at.toLocaleString("en-US", { timeZone: zone })).getHours() === 0;
      // ticks less than a minute apart show seconds, midnights of longer times their day
      const when = (ticks) => {
        const step = ticks.length > 1 ? ticks[1] - ticks[0] : 3600;
        const long = ticks.length > 1 && ticks.at(-1) - ticks[0] > 129600;
        return ticks.map((tick) => {
          const at = new Date(tick * 1000);
          return (step < 60 ? second : step >= 86400 || (long && isMidnight(at)) ? day : hour).format(at);
        });
      };
      const widest = second.format(new Date(2027, 11, 28, 22, 58, 58)).length * 8 + 12;
      const moment = new Intl.DateTimeFormat(language, { dateStyle: "short", timeStyle: "short", timeZone: zone });
      const unit = this.getAttribute("unit") || "";
      const axis = { stroke: ink("--faint"), grid: { stroke: ink("--line"), width: 1 }, ticks: { stroke: ink("--line"), width: 1 }, font: `12px ${style.fontFamily}` };
      this.chart = new uPlot({
        width: this.clientWidth || 320,
        height: this.height(),
        tzDate: (tick) => (zone ? uPlot.tzDate(new Date(tick * 1000), zone) : new Date(tick * 1000)),  // whole hours and days of the site
        scales: { y: { range: (chart, low, high) => [Math.min(0, low ?? 0), (high ?? 1) * 1.1 || 1] } },
        axes: [
          { ...axis, space: Math.max(70, widest), values: (chart, ticks) => when(ticks) },
          { ...axis, size: 56, values: (chart, ticks) => ticks.map((tick) => `${number.format(tick)} ${unit}`) },
        ],
        series: [
          { label: this.getAttribute("time") || "", value: (chart, at) => (at === null || at === undefined ? "–" : moment.format(new Date(at * 1000))) },
          ...this.drawn.map((one) => ({
            label: one.label,
            stroke: ink(one.colour),
            width: one.dash ? 2 : 1.8,
            dash: one.dash ? [6, 4] : one.dots ? [2, 3] : undefined,
            points: { show: false },
            value: (chart, value) => (value === null || value === undefined ? "–" : `${number.format(value)} ${unit}`),
          })),
        ],
      }, this.data, this);
    }
  }

  customElements.define("power-chart", PowerChart);
})();
