import React, { useState } from 'react'
import type { Item } from './item'

interface Props {
  items: Item[]
  onPick?: (item: Item) => void
}

const empty: Item[] = []

/** One row of the list. */
function Row({ item, onPick }: { item: Item; onPick?: (i: Item) => void }) {
  const [open, setOpen] = useState(false)

  // toggles
  const toggle = () => {
    setOpen(!open)
    onPick?.(item)
  }
  if (!item) {
    return null
  }
  return (
    <li className="row" onClick={toggle}>
      {open ? <b>{item.name}</b> : item.name}
      {item.tags.map((tag) => {
        const key = tag.id
        return <Tag key={key} {...tag} />
      })}
    </li>
  )
}

export const List = ({ items = empty, onPick }: Props) => {
  const sorted = [...items].sort((a, b) => {
    return a.rank - b.rank
  })
  const count = sorted.length
  return (
    <>
      <h1>
        {count} items
      </h1>
      <ul>
        {sorted.map((i) => <Row key={i.id} item={i} onPick={onPick} />)}
      </ul>
    </>
  )
}

export class Board extends React.Component<Props> {
  state = { page: 0 }

  componentDidMount() {
    window.addEventListener('resize', this.resize)
  }

  resize = () => {
    this.setState({
      page: 0,
    })
  }

  render() {
    const { items } = this.props
    switch (items.length) {
      case 0:
        return <p>empty</p>
      default:
        break
    }
    return <List items={items} />
  }
}

export function useItems(url: string): Item[] {
  const [items, set] = useState<Item[]>([])
  React.useEffect(() => {
    let live = true
    fetch(url)
      .then((r) => r.json())
      .then((all) => {
        if (live) set(all)
      })
    return () => {
      live = false
    }
  }, [url])
  return items
}

export default List
