"""The site: the committed results as static pages with live charts and a ledger to sort and filter.

Sphinx builds it from Markdown that templates fill, Vega draws the charts, DataTables sorts the tables.
"""
