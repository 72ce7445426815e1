import { TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import classes from './name-filter.module.css';

interface NameFilterProps {
  label: string;
  value: string;
  change: (value: string) => void;
  /** how many there are, said after each change */
  count: string | undefined;
}

/** Finds people in a list by a part of their name. */
export function NameFilter({ label, value, change, count }: NameFilterProps) {
  return (
    <div className={classes.bar}>
      <TextInput
        className={classes.filter}
        aria-label={label}
        placeholder={label}
        leftSection={<IconSearch size={16} />}
        value={value}
        onChange={(event) => change(event.currentTarget.value)}
      />
      {count && (
        <span className={classes.count} role="status">
          {count}
        </span>
      )}
    </div>
  );
}
