import 'example-page/page.css'

export const metadata = { title: 'Next.js: small pictures, twice the size' }

export default function Layout({ children }) {
  return (
    <html lang="en">
      <body>{children}</body>
    </html>
  )
}
