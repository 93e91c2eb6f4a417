export default { engine: 'lumenfall' }
