// What somebody typed is not lost when the login ended, or the gateway was away just as it was sent: it is kept in this tab
// until an answer comes, and put into the form again for the same reader. Never passwords, files, or <form data-forgets>.
(() => {
  "use strict";

  const KEY = "typed";
  const reader = document.body.dataset.reader; // nobody before the login
  const here = () => location.pathname + location.search;
  const secret = "input[type=password], input[type=file]";

  const keep = (form) => {
    if (!reader || form.method !== "post" || "forgets" in form.dataset || form.querySelector(secret)) return;
    const fields = [...new FormData(form)].filter(([, value]) => typeof value === "string");
    const visible = [...form.elements].some((field) => field.name && field.type !== "hidden" && field.type !== "submit");
    if (visible) sessionStorage.setItem(KEY, JSON.stringify({ reader, page: here(), action: form.getAttribute("action"), fields }));
  };
  let begun; // a form in which somebody writes
  const forget = () => {
    begun = undefined;
    sessionStorage.removeItem(KEY);
  };
  document.addEventListener("input", (event) => {
    if (event.target.form?.method === "post") begun = event.target.form;
  });
  document.addEventListener("login-ended", () => { if (begun?.isConnected) keep(begun); });
  // at the window, so that it comes after the question
  window.addEventListener("submit", (event) => {
    if (event.target.getAttribute("action") === "/logout") forget(); else keep(event.target);
  });
  document.addEventListener("htmx:after:request", (event) => {
    const ctx = event.detail.ctx;
    if (ctx.sourceElement.closest("form") && ctx.response.status !== 401) forget();
  });

  const put = (form, fields) => {
    for (const field of form.elements) {
      if (!field.name || field.type === "hidden" || field.type === "submit") continue;
      const values = fields.filter(([name]) => name === field.name).map(([, value]) => value);
      if (field.type === "checkbox" || field.type === "radio") field.checked = values.includes(field.value);
      else if (values.length) field.value = values[0];
      const fold = field.closest("details");
      if (fold) fold.open = true;
    }
    form.dispatchEvent(new Event("change", { bubbles: true })); // what is shown for a choice
  };
  const kept = JSON.parse(sessionStorage.getItem(KEY) || "null");
  if (!kept) return;
  if (!reader) {
    kept.login = true; // it goes on after it
    sessionStorage.setItem(KEY, JSON.stringify(kept));
    return;
  }
  sessionStorage.removeItem(KEY);
  if (kept.reader !== reader) return;
  const way = performance.getEntriesByType("navigation")[0]?.type;
  const form = [...document.querySelectorAll("form")].find((each) => each.getAttribute("action") === kept.action);
  // an answer comes from the page of the form; a page that was reloaded, gone back to, or typed in anew is none
  const unanswered = kept.login || way !== "navigate" || !document.referrer;
  if (!form || kept.page !== here() || !unanswered) return;
  put(form, kept.fields);
  document.getElementById("typed").hidden = false;
  form.scrollIntoView({ block: "center" });
})();
