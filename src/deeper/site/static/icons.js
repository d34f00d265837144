// The theme's icons, which every page uses and no page bears: a page from a folder may take them from no other file.
document.body.insertAdjacentHTML("afterbegin", `
<svg xmlns="http://www.w3.org/2000/svg" style="display: none;">
<symbol id="svg-toc" viewBox="0 0 24 24"><title>Contents</title><path fill="none" stroke="currentColor" stroke-width="2" d="M9 6h12M9 12h12M9 18h12M3 6h2M3 12h2M3 18h2"/></symbol>
<symbol id="svg-menu" viewBox="0 0 24 24"><title>Menu</title><path fill="none" stroke="currentColor" stroke-width="2" d="M3 6h18M3 12h18M3 18h18"/></symbol>
<symbol id="svg-arrow-right" viewBox="0 0 24 24"><title>Expand</title><path fill="none" stroke="currentColor" stroke-width="2" d="M9 5l7 7-7 7"/></symbol>
<symbol id="svg-sun" viewBox="0 0 24 24"><title>Light mode</title><path fill="none" stroke="currentColor" d="M12 7a5 5 0 1 0 .01 0zM12 1v3M12 20v3M1 12h3M20 12h3M4.2 4.2l2.1 2.1M17.7 17.7l2.1 2.1M4.2 19.8l2.1-2.1M17.7 6.3l2.1-2.1"/></symbol>
<symbol id="svg-moon" viewBox="0 0 24 24"><title>Dark mode</title><path fill="none" stroke="currentColor" d="M20 14.5A8.5 8.5 0 1 1 9.5 4 7 7 0 0 0 20 14.5z"/></symbol>
<symbol id="svg-sun-with-moon" viewBox="0 0 24 24"><title>Auto light/dark, in light mode</title><path fill="none" stroke="currentColor" d="M12 3a9 9 0 1 0 .01 0z"/><path fill="currentColor" stroke="none" d="M12 3v18A9 9 0 0 0 12 3z"/></symbol>
<symbol id="svg-moon-with-sun" viewBox="0 0 24 24"><title>Auto light/dark, in dark mode</title><path fill="none" stroke="currentColor" d="M12 3a9 9 0 1 0 .01 0z"/><path fill="currentColor" stroke="none" d="M12 3v18A9 9 0 0 1 12 3z"/></symbol>
</svg>
`);
