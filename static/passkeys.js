// Says on the page when a passkey could not be used, instead of in the console only.
document.addEventListener('allauth.error', event => {
  event.preventDefault()
  const place = document.getElementById('passkey-error')
  if (!place) return
  place.textContent = 'The passkey was not used: it was cancelled, or this device has none for this portal.'
  place.hidden = false
})
