"""The web page in a real browser, against real nodes: Debian's Chromium, driven by Playwright."""
