// Small habits of the page: the menu on a phone, questions before harm, a notice when the connection is gone.
// Without this file everything still works, only less comfortably.
(() => {
  "use strict";

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-toggles]");
    if (!button) return;
    const open = document.getElementById(button.dataset.toggles).classList.toggle("open");
    button.setAttribute("aria-expanded", String(open));
  });

  // <form data-question="...">: asked first, in a dialog that the keyboard reaches; capture, so that htmx comes after.
  // data-question-when="name=pattern" asks only while that field has such a value; several values stand one in each line
  const question = document.getElementById("question");
  const isAsked = (form) => {
    const [name, pattern] = (form.dataset.questionWhen ?? "").split(/=(.*)/s);
    return !name || new RegExp(pattern).test(new FormData(form).getAll(name).join("\n"));
  };
  let answered = () => {};
  // told a moment after the dialog closed: when it is open again by then, this is not the answer to what it asks now
  question?.addEventListener("close", () => { if (!question.open) answered(); });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const asked = event.submitter?.dataset.question || (isAsked(form) && form.dataset.question);
    if (!asked || form.dataset.answered === "yes" || !question) {
      delete form.dataset.answered;
      if (!event.defaultPrevented && !("downloads" in form.dataset)) form.classList.add("sending");  // a download ends nowhere
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    const submitter = event.submitter;
    document.getElementById("question-text").textContent = asked;
    question.returnValue = "no";
    answered = () => {
      if (question.returnValue !== "yes") {
        submitter?.focus();
        return;
      }
      form.dataset.answered = "yes";
      form.requestSubmit(submitter || undefined);
    };
    question.showModal();
  }, true);
  document.addEventListener("htmx:finally:request", (event) => event.target.classList?.remove("sending"));
  window.addEventListener("pageshow", () => document.querySelectorAll(".sending").forEach((form) => form.classList.remove("sending")));

  // a form to which no answer came: said below its fields, which stay as they are
  const unanswered = document.getElementById("unanswered");
  const formOf = (event) => event.detail.ctx?.sourceElement.closest("form");
  document.addEventListener("htmx:before:request", (event) => formOf(event)?.querySelector(".unanswered")?.remove());
  document.addEventListener("htmx:error", (event) => {
    if (event.detail.ctx?.text === undefined) formOf(event)?.append(unanswered.content.cloneNode(true));
  });

  // fields that go together with another one: <div data-shown-for="name=value|value">
  const show = (form) => form.querySelectorAll("[data-shown-for]").forEach((part) => {
    const [name, values] = part.dataset.shownFor.split("=");
    const field = form.elements[name];
    if (field) part.hidden = !values.split("|").includes(field.value);
  });
  document.addEventListener("change", (event) => {
    const form = event.target.form || event.target.closest?.("form");
    if (form) show(form);
  });
  document.querySelectorAll("form").forEach(show);

  // <input data-filters="id">: shows only the lines of that table or list which have the text
  document.addEventListener("input", (event) => {
    const of = event.target.dataset?.filters;
    if (!of) return;
    const wanted = event.target.value.trim().toLowerCase();
    document.querySelectorAll(`#${of} > *`).forEach((line) => {
      line.hidden = wanted !== "" && !line.textContent.toLowerCase().includes(wanted);
    });
  });

  // forms that are only a choice send themselves: <select data-sends>
  document.addEventListener("change", (event) => {
    if (event.target.matches?.("[data-sends]")) event.target.form.requestSubmit();
  });

  // <select data-zones>: nobody has chosen a time zone yet, so the browser's is proposed
  const zones = document.querySelector("select[data-zones]");
  if (zones) {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if ([...zones.options].some((option) => option.value === zone)) zones.value = zone;
  }

  // <button data-copies="id" data-done="Copied">: copies that text, also where the page is not encrypted
  document.querySelectorAll("[data-copies]").forEach((button) => { button.hidden = false; });
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-copies]");
    if (!button) return;
    window.getSelection().selectAllChildren(document.getElementById(button.dataset.copies));
    if (document.execCommand("copy")) button.textContent = button.dataset.done;
  });

  // <form data-uploads="id">: sent with a bar that shows how much has arrived; the answer goes into that element
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.dataset.uploads || event.defaultPrevented) return;
    event.preventDefault();
    const told = document.getElementById(form.dataset.uploads);
    const bar = form.querySelector("progress");
    const button = event.submitter;
    const request = new XMLHttpRequest();
    const over = (show) => {
      bar.hidden = true;
      if (button) button.disabled = false;
      form.classList.remove("sending");
      show();
      told.focus();
    };
    request.upload.addEventListener("progress", (sent) => { bar.value = sent.lengthComputable ? sent.loaded / sent.total : 0; });
    request.addEventListener("load", () => {
      const to = request.getResponseHeader("HX-Redirect");
      if (to) window.location.assign(to);
      else over(() => { told.innerHTML = request.responseText; });
    });
    request.addEventListener("error", () => over(() => { told.textContent = form.dataset.broken; }));
    request.open("POST", form.action);
    request.setRequestHeader("HX-Request", "true");
    told.textContent = "";
    bar.value = 0;
    bar.hidden = false;
    if (button) button.disabled = true;
    request.send(new FormData(form));
  });

  // The stream begins when somebody looks (htmx pauses it while nobody does): a browser has six connections to a gateway,
  // and tabs opened in the background would take them all.
  const live = document.getElementById("live");
  const begin = () => {
    if (document.hidden) document.addEventListener("visibilitychange", begin, { once: true });
    else htmx.trigger(live, "seen");
  };
  if (live) document.addEventListener("DOMContentLoaded", () => setTimeout(begin));

  // the stream: say when it is gone for more than a moment, and when it is back; a login that ended is asked for again
  const connection = document.getElementById("connection");
  let gone;
  let begun = false;
  const lost = (status) => {
    if (status === 401) {
      document.dispatchEvent(new Event("login-ended"));
      location.reload();
    } else gone ??= setTimeout(() => { connection.hidden = false; }, 3000);
  };
  document.addEventListener("htmx:sse:error", (event) => lost(event.detail.status));
  // hx-sse tries again by itself what it has begun, but not what never began
  live?.addEventListener("htmx:finally:request", (event) => {
    if (begun) return;
    const answer = event.detail.ctx.response;
    lost(answer?.status);
    setTimeout(begin, (Number(answer?.headers.get("Retry-After")) || 5) * 1000);
  });
  document.addEventListener("htmx:sse:after:connection", () => {
    begun = true;
    clearTimeout(gone);
    gone = undefined;
    connection.hidden = true;
  });
})();
