// Before anything is drawn: the colours that the reader chose; without a choice the system's.
{
  const chosen = localStorage.getItem("smppproxy.theme");
  if (chosen) document.documentElement.dataset.theme = chosen;
}
