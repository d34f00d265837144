// Hands the page's charts to Vega and its tables to DataTables; the lists above a table filter its columns.
document.querySelectorAll(".chart").forEach((chart) => {
  const script = chart.querySelector("script");
  if (!script) return;
  const target = chart.appendChild(document.createElement("div"));
  vegaEmbed(target, JSON.parse(script.textContent), {
    actions: false, renderer: "svg", tooltip: { theme: "custom" },
    logLevel: 1, // errors alone: it warns of every layer that is switched off
  })
    .then(() => { chart.dataset.ready = "true"; });
});

const sortable = document.querySelectorAll("table.sortable");
if (sortable.length)
  window.datatables.then(({ jQuery }) => {
    sortable.forEach((table) => {
      const made = jQuery(table).DataTable({
        paging: false, info: false, order: [], autoWidth: false,
        layout: { topStart: table.tBodies[0].rows.length > 8 ? "search" : null, topEnd: null, bottomStart: null, bottomEnd: null },
        language: { search: "Find in this table", zeroRecords: "No line fits" },
      });
      document.querySelectorAll(`select[data-filters="${table.id}"]`).forEach((list) => {
        list.addEventListener("change", () => {
          const escaped = jQuery.fn.dataTable.util.escapeRegex(list.value);
          const whole = list.value ? `(^|, )${escaped}(,|$)` : "";
          made.column(Number(list.dataset.column)).search(whole, { regex: true, smart: false }).draw();
        });
        list.dispatchEvent(new Event("change")); // a browser may keep a choice when it loads a page again
      });
      table.dataset.ready = "true";
    });
  });
